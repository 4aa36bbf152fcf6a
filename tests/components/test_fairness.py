"""Rates and gaps against figures that were counted by hand, and what is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.fairness import gaps, rates

# Of a, 2 of 4 are positive, of which 1 is decided so, and 1 of the others; of b, 1 of 4 is, and
# is decided so as the only one.
LABELS = np.array([1, 1, 0, 0, 1, 0, 0, 0])
SCORES = np.array([0.9, 0.1, 0.5, 0.2, 0.8, 0.3, 0.2, 0.1])
GROUPS = np.array(list("aaaabbbb"), object)


def test_rates():
    found = rates(LABELS, SCORES, GROUPS)
    assert list(found) == ["a", "b"]
    assert found["a"].rows == 4
    assert found["a"].base_rate == found["a"].selection_rate == 0.5
    assert found["a"].true_positive_rate == found["a"].false_negative_rate == 0.5
    assert found["a"].false_positive_rate == found["a"].precision == 0.5
    assert found["b"].selection_rate == found["b"].base_rate == 0.25
    assert found["b"].true_positive_rate == found["b"].precision == 1
    assert found["b"].false_positive_rate == 0


def test_gaps():
    assert gaps(rates(LABELS, SCORES, GROUPS)) == {
        "demographic_parity_difference": 0.25,
        "demographic_parity_ratio": 0.5,
        "equal_opportunity_difference": 0.5,
        "equalized_odds_difference": 0.5,
    }


def test_the_threshold_decides():
    found = rates(LABELS, SCORES, GROUPS, threshold=0.15)
    assert found["a"].selection_rate == 0.75


def test_rows_of_no_group_are_left_out():
    groups = GROUPS.copy()
    groups[4:] = ""
    found = rates(LABELS, SCORES, groups)
    assert list(found) == ["a"]
    assert all(math.isnan(value) for value in gaps(found).values())


def test_a_group_without_positives_has_no_true_positive_rate():
    labels = LABELS.copy()
    labels[4] = 0
    found = rates(labels, SCORES, GROUPS)
    assert math.isnan(found["b"].true_positive_rate)
    assert math.isnan(gaps(found)["equal_opportunity_difference"])
    assert gaps(found)["demographic_parity_difference"] == 0.25


def test_equal_groups_have_no_gap():
    both = np.concatenate([LABELS, LABELS]), np.concatenate([SCORES, SCORES])
    groups = np.repeat(np.array(["x", "y"], object), 8)
    found = gaps(rates(*both, groups))
    assert found.pop("demographic_parity_ratio") == 1
    assert set(found.values()) == {0.0}


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_one_decision_for_all_has_no_gap(score):
    found = gaps(rates(LABELS, np.full(8, score), GROUPS))
    assert found["demographic_parity_difference"] == 0
    assert found["demographic_parity_ratio"] == 1
