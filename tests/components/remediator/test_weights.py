"""Weights and draws against a planted dependence."""

import numpy as np
import pytest

from components.remediator.config import (
    FairnessGap,
    ReweightingRemedy,
    SliceGap,
)
from components.remediator.remedies.resampling import drawn
from components.remediator.remedies.weights import (
    bad_slices,
    in_bad_slices,
    independence,
    weightings,
)

FAIR = FairnessGap(column="group", limit=0.05)
SLICE = SliceGap(columns=("area",), metric="BinaryAccuracy", limit=0.05)


def test_weights_are_the_closed_form():
    labels = np.array([1] * 30 + [0] * 10 + [1] * 20 + [0] * 40)
    group = np.repeat(["m", "f"], [40, 60])
    # P(group) P(label) / P(group, label)
    assert independence(labels, group) == {
        ("f", 0): pytest.approx(0.6 * 0.5 / 0.4),
        ("f", 1): pytest.approx(0.6 * 0.5 / 0.2),
        ("m", 0): pytest.approx(0.4 * 0.5 / 0.1),
        ("m", 1): pytest.approx(0.4 * 0.5 / 0.3),
    }


def test_with_the_weights_label_and_group_are_independent(made):
    [weighting] = weightings(made.problem, FAIR, ReweightingRemedy(powers=(1,)))
    labels, group = made.problem.train.labels, made.problem.train.columns["group"]
    assert weighting.train.mean() == pytest.approx(1)
    rates = [
        np.average(labels[group == name], weights=weighting.train[group == name]) for name in "ab"
    ]
    plain = [labels[group == name].mean() for name in "ab"]
    assert abs(plain[0] - plain[1]) > 0.1
    assert rates == pytest.approx([labels.mean()] * 2)


def test_powers_of_the_weights(made):
    one, two = weightings(made.problem, FAIR, ReweightingRemedy(powers=(1, 2)))
    assert two.train == pytest.approx(one.train**2 / (one.train**2).mean())


def test_the_bad_slice_weighs_more(made):
    assert bad_slices(made.problem, SLICE) == ["area=south"]
    south = made.problem.train.columns["area"] == "south"
    assert np.array_equal(in_bad_slices(made.problem, SLICE, made.problem.train), south)
    [found] = weightings(made.problem, SLICE, ReweightingRemedy(factors=(4,)))
    assert found.train[south].min() == pytest.approx(4 * found.train[~south].max())
    assert found.strength == "the slice weighs 4 times"


def test_draws_follow_the_weights():
    weights = np.repeat([1.0, 3.0, 0.0], 1000)
    arrays = {"label": np.arange(3000), "numeric": np.arange(3000.0)[:, None]}
    found = drawn(arrays, weights, 1)
    assert len(found["label"]) == 3000
    assert np.array_equal(found["numeric"][:, 0], found["label"])
    assert (found["label"] >= 2000).sum() == 0
    assert (found["label"] >= 1000).mean() == pytest.approx(0.75, abs=0.03)
    assert np.array_equal(found["label"], drawn(arrays, weights, 1)["label"])
