"""Either engine gives what TFMA gives: metric by metric, slice by slice."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.api import model_eval_lib

from components.evaluator import (
    beam_evaluation,
    eval_config,
    judgement,
    output_files,
    summary,
)
from components.evaluator.config import EvaluatorConfig
from components.models import bootstrap
from components.models.metric_names import METRIC_NAMES
from components.models.metrics import METRICS

SLICES = [["hour"], ["area"], ["share"], ["hour", "area"], {"area": "60601"}, {"hour": 2}]


def config_of(task, **settings):
    metrics = [n for n in METRICS if task in METRIC_NAMES[n].tasks]
    return EvaluatorConfig.model_validate({"metrics": metrics, "slices": SLICES} | settings)


def summarise(config, wanted, metrics):
    validation = judgement.judge(metrics, wanted)
    return summary.summarise(
        metrics, validation, eval_config.bounds(config), wanted, 1, {"trained": 0}
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_engines_agree(task, store, tmp_path, make_table, run_local, make_pipeline):
    table = make_table(task)
    config = config_of(task, confidence_intervals=False, min_slice_size=8)
    wanted, local = run_local(table, config, task)
    on_beam = beam_evaluation.evaluate(store(table), wanted, str(tmp_path / "out"), make_pipeline)
    ours = summarise(config, wanted, local)
    theirs = summarise(config, wanted, summary.sort_slices(on_beam))
    assert [s["name"] for s in ours["slices"]] == [s["name"] for s in theirs["slices"]]
    assert [s["key"] for s in ours["slices"]] == [s["key"] for s in theirs["slices"]]
    too_small = [s["name"] for s in theirs["slices"] if "note" in s]
    assert too_small
    assert too_small == [s["name"] for s in ours["slices"] if "note" in s]
    compared = 0
    assert ours["metrics"].keys() == theirs["metrics"].keys() == {"trained", "baseline"}
    assert ours["differences"].keys() == theirs["differences"].keys() == {"trained"}
    tables = [
        (each[kind][model], model)
        for kind in ("metrics", "differences")
        for model in theirs[kind]
        for each in (ours, theirs)
    ]
    for (mine, model), (of_model, _) in zip(tables[::2], tables[1::2], strict=True):
        assert mine.keys() == of_model.keys()
        for where, of_slice in of_model.items():
            for name in config.metrics:
                expected = of_slice[name]["value"]
                found = mine[where][name]["value"]
                if expected is None:
                    assert found is None, (model, where, name)
                    continue
                # Keras accumulates in float32.
                assert found == pytest.approx(expected, rel=5e-6, abs=2e-6), (model, where, name)
                compared += 1
    assert compared > 300


def test_scores_that_are_not_finite_are_left_out_by_both(
    store, tmp_path, make_table, run_local, make_pipeline
):
    table = make_table("binary", rows=60)
    scores = table.column("__prediction__trained").to_numpy().copy()
    scores[:3] = [np.nan, np.inf, -np.inf]
    table = table.set_column(1, "__prediction__trained", pa.array(scores))
    config = EvaluatorConfig(metrics=("AUC", "ExampleCount"), confidence_intervals=False)
    wanted, local = run_local(table, config, "binary", has_baseline=False)
    beam = beam_evaluation.evaluate(store(table), wanted, str(tmp_path / "out"), make_pipeline)
    ours = summarise(config, wanted, local)
    assert ours == summarise(config, wanted, beam)
    assert ours["metrics"]["trained"]["Overall"]["ExampleCount"]["value"] == 57


def test_intervals_of_the_engines_overlap(store, tmp_path, make_table, run_local, make_pipeline):
    table = make_table("binary")
    config = EvaluatorConfig(metrics=("ExampleCount", "AUC", "BinaryAccuracy"))
    wanted, local = run_local(table, config, "binary", has_baseline=False)
    beam = beam_evaluation.evaluate(store(table), wanted, str(tmp_path / "out"), make_pipeline)
    ours = summarise(config, wanted, local)["metrics"]["trained"]["Overall"]
    theirs = summarise(config, wanted, beam)["metrics"]["trained"]["Overall"]
    assert ours["ExampleCount"]["interval"] is theirs["ExampleCount"]["interval"] is None
    for name in ("AUC", "BinaryAccuracy"):
        (a, b), (c, d) = ours[name]["interval"], theirs[name]["interval"]
        assert (min(b, d) - max(a, c)) / (max(b, d) - min(a, c)) > 0.5, name


def test_interval_covers_the_true_accuracy(run_local):
    """The 95 % interval of a Bernoulli accuracy holds the truth about 95 times in 100."""
    truth, covered, widths = 0.8, 0, []
    for seed in range(120):
        right = np.random.default_rng(seed).random(250) < truth
        y = np.tile([0, 1], 125)
        p = np.where(right, y, 1 - y).astype(np.float32)
        table = pa.table({"__label__": y, "__prediction__trained": p})
        config = EvaluatorConfig(metrics=("BinaryAccuracy",), replicates=100, seed=seed)
        wanted, metrics = run_local(table, config, "binary", has_baseline=False)
        found = summarise(config, wanted, metrics)
        low, high = found["metrics"]["trained"]["Overall"]["BinaryAccuracy"]["interval"]
        covered += low <= truth <= high
        widths.append(high - low)
    assert 0.88 <= covered / 120 <= 1.0
    assert np.mean(widths) == pytest.approx(2 * 1.98 * math.sqrt(0.8 * 0.2 / 250), rel=0.1)


def test_the_seed_decides_the_intervals(make_table, run_local):
    table = make_table("regression")

    def run(seed):
        config = EvaluatorConfig(slices=(("hour",),), replicates=30, seed=seed)
        return [m.SerializeToString() for m in run_local(table, config, "regression")[1]]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_many_rows_are_weighted_in_parts(monkeypatch, make_table, run_local):
    """The memory for weights is bounded, which must not change a figure."""
    table = make_table("binary")
    config = EvaluatorConfig(slices=(("area",),), replicates=25)
    _, whole = run_local(table, config, "binary")
    monkeypatch.setattr(bootstrap, "_MAX_WEIGHTS", 1000)
    _, in_parts = run_local(table, config, "binary")
    assert len(whole) == len(in_parts) == 5
    for a, b in zip(whole, in_parts, strict=True):
        for x, y in zip(a.metric_keys_and_values, b.metric_keys_and_values, strict=True):
            low = x.confidence_interval.lower_bound.double_value.value
            assert low == pytest.approx(
                y.confidence_interval.lower_bound.double_value.value, nan_ok=True
            )


def test_tfma_reads_the_files(tmp_path, make_table, run_local):
    table = make_table("binary")
    config = EvaluatorConfig.model_validate(
        {"slices": ["hour"], "thresholds": {"AUC": {"min": 0.99}}, "replicates": 20}
    )
    wanted, metrics = run_local(table, config, "binary")
    validation = judgement.judge(metrics, wanted)
    output_files.write_metrics(metrics, tmp_path)
    output_files.write_validation(validation, tmp_path)
    models = {"trained": "/models/2", "baseline": "/models/1"}
    output_files.write_eval_config(wanted, "/data", models, tmp_path)

    result = model_eval_lib.load_eval_result(str(tmp_path), model_name="trained")
    assert result.config == wanted
    assert result.model_location == "/models/2"
    by_slice = dict(result.slicing_metrics)
    assert set(by_slice) == {(), *((("hour", hour),) for hour in range(4))}
    bounded = by_slice[()][""][""]["auc"]["boundedValue"]
    assert bounded["lowerBound"] < bounded["value"] < bounded["upperBound"]
    loaded = tfma.load_validation_result(str(tmp_path))
    assert not loaded.validation_ok
    [failed] = loaded.metric_validations_per_slice[0].failures
    assert failed.metric_key.name == "auc"
    assert failed.metric_threshold.value_threshold.lower_bound.value == 0.99
