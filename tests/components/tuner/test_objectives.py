"""Objectives are measured as the Evaluator measures, and turned into one score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from components.errors import InputError
from components.tuner.config import ObjectiveConfig
from components.tuner.objectives import Objectives


def objectives(*names: str, task: str = "binary") -> Objectives:
    return Objectives([ObjectiveConfig(metric=name) for name in names], task)  # type: ignore[arg-type]


def test_measures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    positive = np.clip(0.3 * labels + rng.random(500) * 0.7, 0, 1)
    probabilities = np.stack([1 - positive, positive], axis=1)
    found = objectives("AUC", "BinaryCrossentropy").measure(probabilities, labels)
    assert found["AUC"] == pytest.approx(reference.roc_auc_score(labels, positive), abs=1e-4)
    expected = reference.log_loss(labels, positive)
    assert found["BinaryCrossentropy"] == pytest.approx(expected, rel=1e-4)
    numbers, values = rng.normal(size=100), rng.normal(size=(100, 1))
    error = objectives(task="regression").measure(values, numbers)["RootMeanSquaredError"]
    assert error == pytest.approx(np.sqrt(np.mean((numbers - values[:, 0]) ** 2)))


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("binary", "AUC"),
        ("multiclass", "SparseCategoricalCrossentropy"),
        ("regression", "RootMeanSquaredError"),
    ],
)
def test_each_task_has_an_objective_of_its_own(task: str, name: str) -> None:
    assert objectives(task=task).names == (name,)


def test_objective_of_another_task_is_refused() -> None:
    with pytest.raises(InputError, match="its task is regression"):
        objectives("AUC", task="regression")


def test_larger_score_is_better_in_either_direction() -> None:
    auc, loss = objectives("AUC"), objectives("BinaryCrossentropy")
    assert auc.score({"AUC": 0.9}, None) > auc.score({"AUC": 0.8}, None)
    better, worse = {"BinaryCrossentropy": 0.1}, {"BinaryCrossentropy": 0.2}
    assert loss.score(better, None) > loss.score(worse, None)


def test_gains_of_several_objectives_have_no_unit() -> None:
    both = objectives("AUC", "latency_ms")
    before = {"AUC": 0.9, "latency_ms": 10.0}
    assert both.score(before, before) == 0.0
    # Half of the regret, and half of the time: each a gain of one half.
    assert both.score({"AUC": 0.95, "latency_ms": 5.0}, before) == pytest.approx(1.0)


def test_quality_is_what_predictions_decide() -> None:
    labels = np.array([0, 1])
    right = np.array([[0.9, 0.1], [0.1, 0.9]])
    for names in (("AUC",), ("parameters", "AUC"), ("parameters",), ("BinaryCrossentropy",)):
        found = objectives(*names)
        assert found.quality(right, labels) > found.quality(right[::-1], labels)
