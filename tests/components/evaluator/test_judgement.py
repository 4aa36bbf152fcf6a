"""Thresholds: what is kept, what is broken, and what is said of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from components.errors import InputError
from components.evaluator import eval_config, judgement, selection, summary
from components.evaluator.config import BEATS, EvaluatorConfig


@pytest.fixture
def evaluate(run_local):
    """Return a function that evaluates on 100 rows.

    The candidate is right on 90 of them and the baseline on 95.
    """

    def run(thresholds, *, has_baseline=True, task="binary", swapped=False, **settings):
        y = np.tile([0, 1], 50)
        right = {"trained": np.arange(100) >= 10, "baseline": np.arange(100) >= 5}
        if swapped:
            right = dict(zip(right, reversed(right.values()), strict=True))
        columns = {"__label__": y, "hour": np.where(np.arange(100) < 20, 1, 2)}
        for model, of_model in right.items():
            columns[f"__prediction__{model}"] = np.where(of_model, y, 1 - y).astype(np.float32)
        if task == "regression":
            columns["__label__"] = y.astype(float)
        config = EvaluatorConfig.model_validate(
            {"thresholds": thresholds, "confidence_intervals": False} | settings
        )
        wanted, metrics = run_local(pa.table(columns), config, task, has_baseline=has_baseline)
        validation = judgement.judge(metrics, wanted)
        result = summary.summarise(
            metrics, validation, eval_config.bounds(config), wanted, 100, {"trained": 0}
        )
        assert validation.validation_ok == result["candidates"]["trained"]["kept"]
        return result | result["candidates"]["trained"]

    return run


@pytest.mark.parametrize(
    ("metric", "bound", "kept"),
    [
        ("BinaryAccuracy", {"min": 0.9}, True),
        ("BinaryAccuracy", {"min": 0.91}, False),
        ("BinaryAccuracy", {"max": 0.9}, True),
        ("BinaryAccuracy", {"max": 0.89}, False),
        ("BinaryAccuracy", {"max_drop": 0.06}, True),
        ("BinaryAccuracy", {"max_drop": 0.04}, False),
        ("BinaryCrossentropy", {"max_rise": 1.0}, True),
        ("BinaryCrossentropy", {"max_rise": 0.1}, False),
        ("MeanPrediction", {"max_rise": 0.02, "max_drop": 0.02}, True),
        ("BinaryAccuracy", {"min_gain": 0.0}, False),
        ("BinaryCrossentropy", {"min_gain": BEATS}, False),
    ],
)
def test_bounds(metric, bound, kept, evaluate):
    result = evaluate({metric: bound})
    assert result["kept"] is kept
    assert len(result["reasons"]) == (not kept)
    assert [v["kept"] for v in result["thresholds"]] == [kept] * len(bound)


def test_a_gain_is_over_the_baseline(evaluate):
    [reason] = evaluate({"BinaryAccuracy": {"min_gain": BEATS}})["reasons"]
    assert reason == (
        "BinaryAccuracy overall is 0.9 and the baseline's 0.95; it must be better at all."
    )


@pytest.mark.parametrize(("gain", "kept"), [(BEATS, True), (0.04, True), (0.06, False)])
def test_a_better_model_gains(gain, kept, evaluate):
    # The two models change places.
    result = evaluate({"BinaryAccuracy": {"min_gain": gain}}, swapped=True)
    assert result["kept"] is kept


def test_reasons_name_metric_slice_value_and_bound(evaluate):
    result = evaluate(
        {
            "BinaryAccuracy": [
                {"min": 0.95},
                {"max_drop": 0.01},
                {"min": 0.8, "slices": ["hour"]},
                {"max": 0.2, "slices": [{"hour": 2}]},
            ]
        }
    )
    assert result["reasons"] == [
        "BinaryAccuracy overall is 0.9, below the minimum of 0.95.",
        "BinaryAccuracy overall is 0.9, 0.05 below the baseline's 0.95; at most 0.01 is allowed.",
        "BinaryAccuracy on hour=1 is 0.5, below the minimum of 0.8.",
        "BinaryAccuracy on hour=2 is 1, above the maximum of 0.2.",
    ]
    kept = [(v["slice"], v["kept"]) for v in result["thresholds"] if v["bound"] == "min"]
    assert kept == [("Overall", False), ("hour=1", False), ("hour=2", True)]


def test_without_a_baseline_change_is_not_judged(evaluate):
    result = evaluate({"BinaryAccuracy": {"max_drop": 0.0, "min": 0.5}}, has_baseline=False)
    assert result["kept"]
    assert [v["bound"] for v in result["thresholds"]] == ["min"]
    assert result["notes"] == [
        "There is no blessed model yet, so no change was held against a bound."
    ]


@pytest.mark.parametrize("has_baseline", [True, False])
def test_without_thresholds_the_model_is_blessed(has_baseline, evaluate):
    result = evaluate({}, has_baseline=has_baseline)
    assert result["kept"]
    assert result["notes"] == ["No thresholds are set, so no metric was held against a bound."]


def test_an_undefined_metric_is_refused(evaluate, run_local):
    result = evaluate({"Precision": {"min": 0.1, "slices": [{"hour": 1}]}})
    assert result["kept"]
    result = evaluate({"MatthewsCorrelationCoefficient": {"min": -1, "slices": ["hour"]}})
    assert result["kept"]
    y = pa.table({"__label__": [1, 1], "__prediction__trained": np.array([1, 1], np.float32)})
    config = EvaluatorConfig.model_validate({"thresholds": {"Specificity": {"min": 0.5}}})
    wanted, metrics = run_local(y, config, "binary", has_baseline=False)
    validation = judgement.judge(metrics, wanted)
    assert not validation.validation_ok
    result = summary.summarise(metrics, validation, eval_config.bounds(config), wanted, 2, {})
    assert result["candidates"]["trained"]["reasons"] == [
        "Specificity overall is not a number; its min is 0.5."
    ]


def test_a_bound_on_a_slice_without_rows_is_refused(evaluate):
    result = evaluate({"AUC": {"min": 0.1, "slices": [{"hour": 7}]}})
    assert result["reasons"] == ["AUC has a bound on hour=7, where too few rows could be measured."]


def test_slices_that_are_too_small_are_not_judged(evaluate):
    result = evaluate({"BinaryAccuracy": {"min": 0.9, "slices": ["hour"]}}, min_slice_size=21)
    assert result["kept"]
    assert [v["slice"] for v in result["thresholds"]] == ["hour=2"]
    [small] = [s for s in result["slices"] if "note" in s]
    assert small["name"] == "hour=1"


def test_scores_that_are_not_finite_refuse_the_candidate_only(run_local):
    config = EvaluatorConfig(confidence_intervals=False)
    table = pa.table(
        {
            "__label__": [0, 1, 1],
            "__prediction__trained": np.array([0.1, np.nan, 0.9], np.float32),
        }
    )
    wanted, metrics = run_local(table, config, "binary", has_baseline=False)
    validation = judgement.judge(metrics, wanted)

    def summarise(unusable):
        result = summary.summarise(metrics, validation, [], wanted, 3, unusable)
        return result["candidates"]["trained"]

    refused = summarise({"trained": 1, "baseline": 0})
    assert not refused["kept"]
    assert refused["reasons"] == [
        "1 of 3 scores of the trained model are not finite; their rows are left out of every"
        " metric."
    ]
    assert summarise({"trained": 0, "baseline": 1})["kept"]


def test_a_metric_of_another_task_is_refused():
    config = EvaluatorConfig(metrics=("AUC",))
    with pytest.raises(InputError, match="AUC is not defined for the task regression"):
        eval_config.build(config, "regression", 0, ["trained"])


def test_unknown_slice_column_names_the_nearest():
    config = EvaluatorConfig.model_validate(
        {"thresholds": {"AUC": {"min": 0.5, "slices": ["huor"]}}}
    )
    assert selection.slice_columns(config) == ["huor"]
    with pytest.raises(InputError, match="'huor'; nearest: hour"):
        selection.check(config, "binary", ["hour", "area"], ["test"], {})


@pytest.mark.parametrize("distinct", [None, 5000])
def test_a_column_of_thousands_of_values_is_no_slice(distinct):
    config = EvaluatorConfig.model_validate({"slices": ["id"]})
    with pytest.raises(InputError, match="each of which would be a slice"):
        selection.check(config, "binary", ["id"], ["test"], {"id": distinct})
    rare = config.model_copy(update={"min_slice_size": 50})
    selection.check(rare, "binary", ["id"], ["test"], {"id": distinct})


def test_fairness_is_of_decisions_and_of_groups():
    config = EvaluatorConfig.model_validate({"fairness": {"columns": ["sex"]}})
    with pytest.raises(InputError, match="between two classes"):
        selection.check(config, "regression", ["sex"], ["test"], {})
    with pytest.raises(InputError, match="would be a group"):
        selection.check(config, "binary", ["sex"], ["test"], {"sex": 101})
    with pytest.raises(InputError, match="nearest: sex"):
        selection.check(
            config.model_copy(
                update={"fairness": config.fairness.model_copy(update={"columns": ("sx",)})}
            ),
            "binary",
            ["sex"],
            ["test"],
            {},
        )
