"""Magnitude pruning: the wanted share of zeros in each kernel, and nothing else touched."""

import numpy as np
import pytest
import tf_keras

from components.compressor import kernels, pruning
from components.compressor.config import FineTuningConfig, PruningConfig, RecipesConfig
from components.compressor.recipes import magnitude_pruning
from components.compressor.recipes.base import SPARSIFY, Draft, copy_model
from components.errors import InputError, ModelworksError
from tests.components.compressor import models


def settings(epochs=1, **pruning):
    return RecipesConfig(
        fine_tuning=FineTuningConfig(epochs=epochs), pruning=PruningConfig(**pruning)
    )


@pytest.mark.parametrize(
    ("make", "arguments", "whole"),
    [
        (
            models.tabular,
            {"embedding_dim": 16, "numeric": "standardized", "max_categories": 5},
            {"deep", "linear_numeric", "linear_categorical"},
        ),
        (models.tabular, {"architecture": "cross", "normalization": "batch"}, {"deep"}),
        (
            models.images,
            {"cell": "depthwise", "filters": 16},
            {"stage_0_0_depthwise", "stage_1_0_depthwise"},
        ),
    ],
)
@pytest.mark.parametrize("schedule", ["polynomial_decay", "constant"])
def test_each_kernel_has_the_share_of_zeros(make, arguments, whole, schedule):
    model, work = make(**arguments, recipes=settings(sparsity=0.7, schedule=schedule))
    before = model.get_weights()
    draft = magnitude_pruning.RECIPE.apply(Draft(model), work)
    assert draft.steps == ("pruning",)
    assert [layer.name for layer in draft.model.layers] == [layer.name for layer in model.layers]
    pruned = kernels.prunable(draft.model, "pruning")
    for name, layer in pruned.items():
        size = np.prod(kernels.kernel(layer).shape)
        assert kernels.zeros(layer) == pytest.approx(0.7, abs=1 / size), name
    assert not whole & set(pruned)
    for layer in draft.model.layers:
        if layer.name in whole:
            assert np.all(layer.get_weights()[0] != 0), layer.name
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert any(np.any(o != n) for o, n in zip(before, draft.model.get_weights(), strict=True))


def test_a_pruned_network_is_as_good_as_before():
    model, work = models.images("lenet300", recipes=settings(epochs=6, sparsity=0.8))
    draft = magnitude_pruning.RECIPE.apply(Draft(model), work)
    before, after = (models.accuracy(each, work.validation) for each in (model, draft.model))
    assert after > before - 0.01


def test_the_learning_rate_does_not_fall_while_weights_are_pruned(monkeypatch):
    model, work = models.images("lenet300", epochs=0, schedule="cosine")
    rates = []
    pruned = pruning.pruned

    def look(model, work, *arguments, **settings):
        rates.append(work.hp.schedule)
        return pruned(model, work, *arguments, **settings)

    monkeypatch.setattr(pruning, "pruned", look)
    magnitude_pruning.RECIPE.apply(Draft(model), work)
    assert rates == ["constant"]
    assert work.hp.schedule == "cosine"


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 50, 133, 134, 1000, 98_765])
@pytest.mark.parametrize("kind", ["polynomial_decay", "constant"])
def test_the_share_is_reached_whatever_the_number_of_steps(steps, kind):
    schedule = magnitude_pruning.schedule(kind, 0.9, steps)
    end = getattr(schedule, "end_step", -1)
    last = steps if end == -1 else end
    assert 1 <= last <= max(1, steps)
    if kind == "polynomial_decay":
        assert last <= max(1, 0.75 * steps)
        chosen, share = schedule(last)
        assert bool(chosen)
    else:
        chosen, share = schedule(1)
        assert bool(chosen)
    assert float(share) == pytest.approx(0.9)


def test_the_share_grows_as_the_paper_says():
    schedule = magnitude_pruning.schedule("polynomial_decay", 0.8, 4000)
    assert schedule.end_step == 3000
    for step in (300, 1500, 2700):
        share = 0.8 * (1 - (1 - step / 3000) ** 3)
        assert float(schedule(step)[1]) == pytest.approx(share, rel=1e-5)


def test_a_model_without_large_kernels_is_refused_by_name():
    model, work = models.tabular("linear", epochs=0)
    with pytest.raises(InputError) as raised:
        magnitude_pruning.RECIPE.apply(Draft(model), work)
    assert "'linear'" in str(raised.value)
    assert "recipe pruning " in str(raised.value)


def test_a_kernel_that_was_not_pruned_is_found_out(monkeypatch):
    model, work = models.tabular(epochs=0)
    monkeypatch.setattr(pruning, "pruned", lambda model, *_, **__: copy_model(model))
    with pytest.raises(ModelworksError, match=r"'hidden_0' was pruned to 0\.0% zeros, not to 79"):
        magnitude_pruning.RECIPE.apply(Draft(model), work)


def test_it_goes_before_clustering_and_quantization():
    assert magnitude_pruning.RECIPE.stage == SPARSIFY


def test_kernels_that_end_a_network():
    model, _ = models.tabular(epochs=0, task="regression")
    assert kernels.last(model) == {"deep", "linear_numeric", "linear_categorical"}
    model, _ = models.images("lenet300", epochs=0)
    assert kernels.last(model) == {"outputs"}
    inputs = tf_keras.Input((3,))
    first = tf_keras.layers.Dense(4, name="first")
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2, name="second")(first(inputs)))
    assert kernels.last(model) == {"second"}
