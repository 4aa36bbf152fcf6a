"""What the checks measure, against what is known."""

import numpy as np
import pytest
import tf_keras

from components import fairness
from components.models.rows import Rows
from components.remediator import checks, groups
from components.remediator.candidate import Candidate
from components.remediator.checks import Scored, measure
from components.remediator.config import (
    Calibration,
    FairnessGap,
    Monotonic,
    Robustness,
    SliceGap,
)
from components.remediator.group_shift import GroupShift

ROWS = 600


def scored(labels, positive, columns, task="binary"):
    scores = np.stack([1 - positive, positive], axis=1) if task == "binary" else positive[:, None]
    return Scored(task, Rows(labels, {}, columns), scores, None, None, 1)


def test_values_as_text():
    assert groups.texts(np.array([3.0, 0.1, np.nan])).tolist() == ["3", "0.1", ""]


def test_slices_are_crossings_without_missing_values():
    columns = {
        "a": np.array(["x", "x", "y", ""], object),
        "b": np.array([1.0, 1.0, 2.0, 2.0]),
    }
    found = groups.slices(SliceGap(columns=("a", "b"), limit=1, min_rows=1), columns)
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "a=x, b=1": [True, True, False, False],
        "a=y, b=2": [False, False, True, False],
    }
    one = groups.slices(SliceGap(slice={"b": 2}, limit=1, min_rows=2), columns)
    assert one["b=2"].tolist() == [False, False, True, True]
    assert not groups.slices(SliceGap(slice={"b": 2}, limit=1, min_rows=3), columns)


def test_a_slice_gap_names_the_worst_slice():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, ROWS)
    where = random.choice(["a", "b", "c"], ROWS).astype(object)
    right = np.where(where == "b", random.random(ROWS) < 0.5, True)
    positive = np.where(right, labels, 1 - labels).astype(float)
    found = measure(
        SliceGap(columns=("where",), metric="BinaryAccuracy", limit=0.1),
        scored(labels, positive, {"where": where}),
    )
    assert found.detail == "where=b"
    assert found.value == pytest.approx(right.mean() - right[where == "b"].mean())


def test_a_slice_of_one_class_has_no_ranking():
    labels = np.r_[np.ones(50, int), np.arange(50) % 2]
    where = np.repeat(np.array(["one", "both"], object), 50)
    gap = SliceGap(columns=("where",), metric="AUC", limit=0.1)
    positive = np.random.default_rng(0).random(100)
    found = checks.slice_gaps(
        gap, "binary", Rows(labels, {}, {"where": where}), np.stack([1 - positive, positive], 1)
    )
    assert set(found) == {"where=both"}


def test_gaps_of_errors_have_the_other_sign():
    where = np.repeat(np.array(["near", "far"], object), 50)
    wrong = np.repeat([1.0, 3.0], 50)
    found = measure(
        SliceGap(columns=("where",), limit=0.1),
        scored(np.zeros(100), wrong, {"where": where}, "regression"),
    )
    assert (found.detail, found.value) == ("where=far", pytest.approx(3 - np.sqrt(5)))


def test_fairness_gaps_are_those_of_the_shared_measure():
    random = np.random.default_rng(1)
    labels, positive = random.integers(0, 2, ROWS), random.random(ROWS)
    group = random.choice(["a", "b", "rare"], ROWS, p=[0.5, 0.48, 0.02]).astype(object)
    kept = group != "rare"
    expected = fairness.gaps(fairness.rates(labels[kept], positive[kept], group[kept]))
    for gap, value in expected.items():
        check = FairnessGap(column="g", gap=gap, limit=0.1, min_group_size=50)
        assert measure(check, scored(labels, positive, {"g": group})).value == pytest.approx(value)
        assert checks.holds(check, 0.05) == (gap != "demographic_parity_ratio")


def test_a_single_group_has_no_gap():
    check = FairnessGap(column="g", limit=0.1)
    found = measure(check, scored(np.ones(50), np.ones(50), {"g": np.full(50, "a", object)}))
    assert found.value is None
    assert "two groups" in found.detail


def test_calibration_error_of_known_scores():
    labels = np.r_[np.ones(30), np.zeros(70)]
    found = measure(Calibration(limit=0.1), scored(labels, np.full(100, 0.5), {}))
    assert found.value == pytest.approx(0.2)


def linear(weights, offset):
    """Return a network whose logit is linear in ``numeric``."""
    inputs = tf_keras.Input((len(weights),), name="numeric")
    model = tf_keras.Model({"numeric": inputs}, tf_keras.layers.Dense(1)(inputs))
    model.set_weights([np.array(weights, np.float32)[:, None], np.array([offset], np.float32)])
    return model


def test_the_attack_on_a_linear_model_is_exact():
    random = np.random.default_rng(2)
    numbers = random.normal(size=(ROWS, 3)).astype(np.float32)
    labels = random.integers(0, 2, ROWS)
    group = random.choice(["a", "b"], ROWS).astype(object)
    rows = Rows(labels, {"numeric": numbers, "label": labels}, {"g": group})
    weights, eps = [1.0, -2.0, 0.5], 0.2
    candidate = Candidate(linear(weights, 0.1), shift=GroupShift("g", {"a": 0.8}))
    margin = (2 * labels - 1) * (numbers @ np.array(weights) + 0.1 + 0.8 * (group == "a"))
    found = measure(
        Robustness(eps=eps, limit=0.5), Scored("binary", rows, None, candidate, None, 1)
    )
    assert found.value == pytest.approx((margin > eps * np.abs(weights).sum()).mean(), abs=1e-9)
    assert found.value < (margin > 0).mean()


def test_without_a_gradient_robustness_is_not_measured():
    inputs = tf_keras.Input((1,), name="categorical", dtype="int64")
    model = tf_keras.Model({"categorical": inputs}, tf_keras.layers.Embedding(3, 1)(inputs)[:, 0])
    rows = Rows(np.ones(4), {"categorical": np.zeros((4, 1), np.int64)}, {})
    found = measure(
        Robustness(eps=1, limit=0.5), Scored("binary", rows, None, Candidate(model), None, 1)
    )
    assert found.value is None
    assert "no gradient" in found.detail


def test_the_way_against_a_direction():
    random = np.random.default_rng(3)
    columns = {"age": random.integers(0, 10, 300).astype(float), "x": random.normal(size=300)}
    columns["age"][::7] = np.nan

    def predict(values):
        # Rises to 0.8, falls by a step of 0.05 at 5 and by one of 0.1 at 7, then rises.
        age = np.nan_to_num(values["age"])
        return (0.1 * age - 0.15 * (age >= 5) - 0.2 * (age >= 7))[:, None]

    rows = Rows(np.ones(300), {}, columns)
    model = Scored("regression", rows, None, None, predict, 1)
    found = measure(Monotonic(columns={"age": "increasing", "x": "decreasing"}), model)
    assert found.detail == "age increasing"
    # From 0.4 at 4 to 0.35 at 5, and from 0.45 at 6 to 0.35 at 7.
    assert found.value == pytest.approx(0.1)
    assert measure(Monotonic(columns={"x": "increasing"}), model).value == 0
