"""Candidates: measured as they are served, made once, found again after a kill."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from components.compressor import chains, figures
from components.compressor.config import (
    CompressorConfig,
    FineTuningConfig,
    LotteryTicketConfig,
    RecipesConfig,
)
from components.compressor.deep_compression.config import DeepCompressionConfig
from components.compressor.eval_rows import EvalRows
from components.compressor.recipes import table
from components.compressor.recipes.base import Recipe
from components.compressor.workbench import Workbench, check_source
from components.errors import InputError
from components.models.hyperparameters import HyperParameters, TreesHyperParameters
from components.models.judge import Judge
from components.models.lite_model import LiteModel
from components.models.specification import Member, Specification
from components.models.transformed import LABEL
from tests.components.compressor import models

RECIPES = RecipesConfig(
    fine_tuning=FineTuningConfig(epochs=1),
    deep_compression=DeepCompressionConfig(pruning_epochs=2, sharing_epochs=1),
    lottery_ticket=LotteryTicketConfig(rounds=1),
)


def bench(tmp_path, model, work, **settings):
    labels = work.validation[LABEL]
    rows = EvalRows(
        {name: values for name, values in work.validation.items() if name != LABEL},
        Judge(work.features.task, labels, 1),
        {"half=0": np.arange(len(labels)) % 2 == 0},
    )
    config = CompressorConfig(recipes=RECIPES, training=work.training, **settings)
    return Workbench(model, work, rows, config, tmp_path)


def test_figures_are_those_of_the_file(tmp_path):
    model, work = models.tabular("mlp")
    made = bench(tmp_path, model, work)
    plain, small = made.candidate({}), made.candidate({"chain": "pruning+int8"})
    assert plain.title == "float32"
    assert plain.figures.bytes == len(plain.content)
    assert plain.figures.gzip_bytes == len(gzip.compress(plain.content, 9, mtime=0))
    assert abs(plain.figures.drop) < 1e-4
    assert abs(plain.figures.slice_drop) < 1e-4
    assert plain.figures.worst_slice == "half=0"
    assert plain.figures.sparsity < 0.1
    assert small.figures.sparsity > 0.5
    assert small.figures.bytes < plain.figures.bytes
    assert small.figures.unique < plain.figures.unique
    assert 0 < small.figures.median_ms <= small.figures.p95_ms
    # 4 numbers and 2 embeddings of 4 into 24, 12 and 1 units; the last becomes 2 scores.
    assert plain.figures.macs in (12 * 24 + 24 * 12 + 12, 12 * 24 + 24 * 12 + 24)
    scores = LiteModel(small.content).scores(made.rows.arrays)
    assert made.rows.metric(scores) == small.figures.metrics["AUC"]


def test_macs_of_convolutions(tmp_path):
    model, work = models.images("lenet5", side=16, epochs=0)
    content = bench(tmp_path, model, work).candidate({}).content
    dense = 2 * 2 * 50
    wanted = 12 * 12 * 25 * 20 + 2 * 2 * 25 * 20 * 50 + (1 * 1 * 50) * 500 + 500 * 10
    assert figures.macs(content) == wanted, dense


def test_what_chains_share_is_made_once_and_the_rest_is_found_on_disk(tmp_path, monkeypatch):
    model, work = models.tabular("mlp")
    calls = []
    recipe = table.RECIPES["pruning"]

    def counting(draft, work):
        calls.append(draft.steps)
        return recipe.apply(draft, work)

    monkeypatch.setitem(table.RECIPES, "pruning", Recipe(recipe.stage, counting, recipe.title))
    made = bench(tmp_path, model, work)
    first = [made.candidate({"chain": chain}) for chain in ("pruning+int8", "pruning+float16")]
    assert calls == [()]
    assert made.candidate({"chain": "pruning+int8", "pruning.sparsity": 0.3}).figures.sparsity < 0.5
    assert len(calls) == 2
    again = bench(tmp_path, model, work)
    second = [again.candidate({"chain": chain}) for chain in ("pruning+int8", "pruning+float16")]
    assert [each.content for each in second] == [each.content for each in first]
    assert [each.figures for each in second] == [each.figures for each in first]
    assert len(calls) == 2


@pytest.mark.parametrize("kind", ["tabular", "images"])
def test_every_recipe_leaves_the_model_as_it_is_and_gives_a_file_that_runs(tmp_path, kind):
    if kind == "tabular":
        model, work = models.tabular("wide_and_deep")
    else:
        model, work = models.images("cnn", filters=4)
    before = [weight.copy() for weight in model.get_weights()]
    description = model.to_json()
    made = bench(tmp_path, model, work)
    for name in table.RECIPES:
        chain = f"{name}+int8" if name == "quantization_aware_training" else name
        draft = made.draft({"chain": chain})
        assert draft.steps == tuple(chain.split("+"))
        candidate = made.candidate({"chain": chain})
        scores = LiteModel(candidate.content).scores(made.rows.arrays)
        assert scores.shape == (len(work.validation[LABEL]), len(work.features.classes)), name
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-3)
        for weight, old in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, old, err_msg=name)
        assert model.to_json() == description


def test_models_without_weights_of_their_own_are_refused():
    network, trees = (
        Member(model=HyperParameters()),
        Member(model=TreesHyperParameters(architecture="boosted_trees")),
    )
    assert check_source(Specification(members=(network,))) == network.model
    for members, said in [((trees,), "made of trees"), ((network, network), "ensemble of 2")]:
        with pytest.raises(InputError, match=said) as error:
            check_source(Specification(members=members))
        assert "distiller: {}" in str(error.value)


def test_titles():
    assert chains.title({"chain": "int8"}) == "int8"
