"""Thresholds by group, and how they are served."""

import numpy as np
import pytest
import tensorflow as tf

from components import fairness
from components.errors import InputError
from components.remediator import checks
from components.remediator.config import FairnessGap, GroupThresholdsRemedy
from components.remediator.group_shift import GroupShift
from components.remediator.remedies import group_thresholds
from components.remediator.remedies.group_thresholds import thresholds


def unfair(rows=2000, seed=0):
    """Return labels, scores that are lower for group b by one logit, and groups."""
    random = np.random.default_rng(seed)
    group = random.choice(["a", "b"], rows)
    labels = random.integers(0, 2, rows)
    logits = random.normal(2 * labels - 1, 1) - (group == "b")
    return labels, 1 / (1 + np.exp(-logits)), group


@pytest.mark.parametrize(
    ("positives", "gap"),
    [(True, "equal_opportunity_difference"), (False, "demographic_parity_difference")],
)
def test_thresholds_close_a_planted_gap(positives, gap):
    labels, scores, group = unfair()
    members = {name: group == name for name in "ab"}
    found = thresholds(labels, scores, members, positives=positives)
    assert found["a"] > found["b"]
    shifted = scores >= np.where(group == "a", found["a"], found["b"])
    before = fairness.gaps(fairness.rates(labels, scores, group))[gap]
    after = fairness.gaps(fairness.rates(labels, shifted, group))[gap]
    assert before > 0.2
    # Groups of about 1,000 rows cannot be closer than by half a row each.
    assert after < 0.002


def test_the_common_rate_is_the_one_with_most_right_decisions():
    labels, scores, group = unfair(400, 1)
    members = {name: group == name for name in "ab"}
    found = thresholds(labels, scores, members, positives=True)
    decided = scores >= np.where(group == "a", found["a"], found["b"])
    best = 0.0
    for rate in np.linspace(0, 1, 101):
        chosen = np.zeros(len(labels), bool)
        for rows in members.values():
            own = np.sort(scores[rows & (labels == 1)])[::-1]
            reached = round(rate * len(own))
            border = own[reached - 1] if reached else 2.0
            chosen |= rows & (scores >= border)
        best = max(best, (chosen == (labels == 1)).mean())
    # Thresholds lie between scores, where they decide no row on the border.
    assert (decided == (labels == 1)).mean() >= best - 0.005


@pytest.mark.parametrize("shifts", [{"a": 0.5, "b": -1.0}, {"3": 0.25}])
def test_the_shift_served_is_the_shift_measured(shifts):
    text = set(shifts) == {"a", "b"}
    values = np.array(["a", "b", "c", ""], object) if text else np.array([3.0, 4.0, np.nan, 3.0])
    shift = GroupShift("g", shifts)
    expected = [shifts.get(v if text else f"{v:g}", 0.0) for v in values]
    assert shift.of({"g": values}).tolist() == expected
    kinds = [tf.string] if text else [tf.float32, tf.float64]
    for kind in kinds:
        assert shift.tensor(tf.constant(values, kind)).numpy().tolist() == expected
    if not text:
        assert shift.tensor(tf.constant([3, 4], tf.int64)).numpy().tolist() == [0.25, 0.0]


def test_thresholds_close_the_gap_of_a_network_on_other_rows(made):
    check = FairnessGap(column="group", limit=0.05)
    before = checks.measure(check, made.scored()).value
    *_, strongest = group_thresholds.candidates(made.problem, check, GroupThresholdsRemedy())
    on_tuning = made.scored(strongest, made.problem.tuning)
    assert before > 0.1
    assert checks.measure(check, on_tuning).value < 0.01
    assert checks.measure(check, made.scored(strongest)).value < before / 2
    # A row without a group is decided as before.
    none = made.judging.columns["group"] == ""
    assert none.any()
    assert np.allclose(made.scored(strongest).scores[none], made.scored().scores[none])


def test_a_column_that_the_model_does_not_take(made):
    check = FairnessGap(column="religion", limit=0.05)
    with pytest.raises(InputError, match="not told the group"):
        next(group_thresholds.candidates(made.problem, check, GroupThresholdsRemedy()))


def test_no_thresholds_for_equalised_odds(made):
    check = FairnessGap(column="group", gap="equalized_odds_difference", limit=0.05)
    with pytest.raises(InputError, match="by lot"):
        next(group_thresholds.candidates(made.problem, check, GroupThresholdsRemedy()))
