"""What a threshold does agrees with what is counted row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import fairness
from pipeline.ui.what_if import thresholds


def rows(size, seed):
    random = np.random.default_rng(seed)
    groups = random.choice(["a", "b", "c", ""], size, p=[0.5, 0.3, 0.15, 0.05]).astype(object)
    # In single precision, as models answer; many lie exactly on a threshold.
    scores = (random.integers(0, 101, size) / 100).astype(np.float32)
    labels = (random.random(size) < scores).astype(int)
    return labels, scores, groups


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.299, 0.3, 0.5, 0.95, 1.0])
def test_every_rate_of_a_group_is_that_of_its_rows(threshold):
    labels, scores, groups = rows(3000, 1)
    found = thresholds.trade_off(labels, scores, thresholds.grouped(groups))
    step = round(threshold * found["steps"])
    expected = fairness.rates(labels, scores.astype(float), groups, threshold)
    assert [part["name"] for part in found["groups"]] == ["a", "b", "c"]
    for part in found["groups"]:
        wanted = expected[part["name"]]
        true, false = part["true"][step], part["false"][step]
        assert part["positives"] + part["negatives"] == wanted.rows
        assert true / part["positives"] == pytest.approx(wanted.true_positive_rate)
        assert false / part["negatives"] == pytest.approx(wanted.false_positive_rate)
        assert (true + false) / wanted.rows == pytest.approx(wanted.selection_rate)
    gaps = fairness.gaps(expected)
    for name, values in found["gaps"].items():
        assert values[step] == pytest.approx(gaps[name], abs=1e-6)
    assert found["left_out"] == (groups == "").sum()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_fewer_are_decided_positively_the_higher_the_threshold(pairs):
    labels = np.array([int(label) for label, _ in pairs])
    scores = np.array([score for _, score in pairs])
    found = thresholds.counts(labels, scores)
    for name, kind in (("true", 1), ("false", 0)):
        counted = np.array(found[name])
        assert (np.diff(counted) <= 0).all()
        assert counted[0] == (labels == kind).sum()
        assert counted[-1] == ((labels == kind) & (scores == 1)).sum()


def test_suggested_thresholds_are_the_best_there_are():
    labels, scores, groups = rows(500, 2)
    found = thresholds.trade_off(labels, scores, thresholds.grouped(groups))
    steps = thresholds.steps()
    right = [((scores.astype(float) >= step) == labels).mean() for step in steps]
    assert right[found["suggested"]["accuracy"]] == max(right)
    decided = [scores.astype(float) >= step for step in steps]
    f1 = [2 * (d & (labels == 1)).sum() / (d.sum() + labels.sum()) for d in decided]
    assert f1[found["suggested"]["f1"]] == pytest.approx(max(f1))


def test_one_group_has_no_gap():
    labels, scores, _ = rows(100, 3)
    same = thresholds.grouped(np.full(100, "a", object))
    assert thresholds.trade_off(labels, scores, same)["gaps"] is None


def test_a_gap_without_positives_is_not_told():
    labels = np.array([0] * 40 + [0, 1] * 20)
    groups = thresholds.grouped(np.array(["a"] * 40 + ["b"] * 40, object))
    gaps = thresholds.trade_off(labels, np.full(80, 0.5), groups)["gaps"]
    assert gaps["equal_opportunity_difference"] == [None] * (thresholds.STEPS + 1)
    assert gaps["demographic_parity_difference"][0] == 0


def test_numbers_of_many_values_are_divided_into_quarters():
    values = np.r_[np.arange(400.0), np.full(7, np.nan)]
    found = thresholds.grouped(values, lambda value: f"{value:g}")
    assert found.names == ("up to 99", "over 99 to 199", "over 199 to 299", "over 299")
    assert np.bincount(found.codes[:400]).tolist() == [100] * 4
    assert found.left_out == 7


def test_numbers_of_few_values_are_groups_of_their_own():
    found = thresholds.grouped(np.repeat([3.0, 1.0, 2.0], [50, 40, 5]), lambda value: f"{value:g}")
    assert found.names == ("3", "1")
    assert found.left_out == 5


def test_only_the_largest_groups_are_told_apart():
    sizes = np.arange(60, 60 - thresholds.MOST_GROUPS - 3, -1)
    values = np.repeat([f"g{place}" for place in range(len(sizes))], sizes).astype(object)
    found = thresholds.grouped(values)
    assert found.names == tuple(f"g{place}" for place in range(thresholds.MOST_GROUPS))
    assert found.left_out == sizes[thresholds.MOST_GROUPS :].sum()


def test_a_column_without_values_has_no_group():
    found = thresholds.grouped(np.full(50, np.nan))
    assert found.names == ()
    assert found.left_out == 50
