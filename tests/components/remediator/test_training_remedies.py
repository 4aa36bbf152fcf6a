"""What training on does to a network: each remedy does what it is for."""

from dataclasses import replace

import numpy as np
import pytest

from components.attacks import adversarial_training as attacks
from components.errors import InputError
from components.models import lattice
from components.models.hyperparameters import TreesHyperParameters
from components.models.specification import Member, Specification
from components.remediator import checks, robustness, training_on
from components.remediator.config import (
    AdversarialTrainingRemedy,
    AugmentationRemedy,
    FairnessGap,
    MinDiffRemedy,
    Monotonic,
    MonotonicRemedy,
    ResamplingRemedy,
    ReweightingRemedy,
    Robustness,
    SliceGap,
)
from components.remediator.remedies import (
    adversarial_training,
    augmentation,
    min_diff,
    monotonic,
    resampling,
    reweighting,
)

FAIR = FairnessGap(column="group", gap="demographic_parity_difference", limit=0.05)


@pytest.fixture(scope="module")
def problem(made):
    few = made.problem.train.take(np.arange(0, len(made.problem.train), 2))
    return replace(made.problem, train=few, epochs=2)


def value(made, check, candidate=None):
    return checks.measure(check, made.scored(candidate)).value


def test_min_diff_brings_groups_closer(made, problem):
    weights = problem.model.get_weights()
    [found] = min_diff.candidates(problem, FAIR, MinDiffRemedy(weights=(4,)))
    assert value(made, FAIR, found) < 0.6 * value(made, FAIR)
    assert all(
        np.array_equal(old, new)
        for old, new in zip(weights, problem.model.get_weights(), strict=True)
    )


def test_min_diff_compares_positives_for_equal_opportunity(made):
    check = FairnessGap(column="group", limit=0.05)
    rows, names = made.problem.tuning, min_diff.compared_groups(made.problem, check)
    [(inside, others)] = min_diff._parts(check, rows, names)
    group = rows.columns["group"]
    assert set(rows.labels[inside]) == set(rows.labels[others]) == {1}
    assert {*group[inside], *group[others]} == {"a", "b"}
    odds = check.model_copy(update={"gap": "equalized_odds_difference"})
    assert len(min_diff._parts(odds, rows, names)) == 2


def test_weights_bring_groups_closer(made, problem):
    [found] = reweighting.candidates(problem, FAIR, ReweightingRemedy(powers=(2,)))
    assert value(made, FAIR, found) < value(made, FAIR)


def test_attacked_rows_make_a_network_withstand_attacks(made, problem, monkeypatch):
    # Each step is traced; two do for a small network.
    for module in (attacks, robustness):
        monkeypatch.setattr(module, "VALIDATION_STEPS", 2)
    check = Robustness(eps=0.4, limit=0.9, max_rows=400)
    [found] = adversarial_training.candidates(
        problem, check, AdversarialTrainingRemedy(steps=2, shares=(1.0,))
    )
    assert value(made, check, found) > value(made, check)


@pytest.mark.parametrize(
    "check",
    [
        SliceGap(columns=("area",), metric="BinaryAccuracy", limit=0.05),
        Robustness(eps=0.2, limit=0.9),
    ],
)
def test_further_rows_are_trained_on(problem, check):
    [found] = augmentation.candidates(problem, check, AugmentationRemedy(factors=(1,)))
    rows = len(problem.train)
    if isinstance(check, SliceGap):
        rows = int((problem.train.columns["area"] == "south").sum())
    assert found.strength == f"{rows:,} further rows"
    changed = zip(problem.model.get_weights(), found.model.get_weights(), strict=True)
    assert any(not np.array_equal(old, new) for old, new in changed)


def test_the_monotonic_network_obeys(problem):
    check = Monotonic(columns={"age": "increasing"})
    directions = {"age": lattice.INCREASING}

    def way(model):
        return lattice.largest_violation(
            model, problem.features, problem.tuning.arrays, directions, 1
        )

    [found] = monotonic.candidates(problem, check, MonotonicRemedy())
    assert way(problem.model) > 0.05
    assert way(found.model) <= 1e-5


def test_a_column_that_is_no_number_has_no_direction(problem):
    with pytest.raises(InputError, match="no numeric feature"):
        next(monotonic.candidates(problem, Monotonic(columns={"area": "increasing"}), None))


def test_weights_of_the_trainer_stay(problem):
    labels = problem.train.labels
    assert training_on.class_weights(problem, labels).tolist() == [1.0] * len(labels)
    balanced = problem.training.model_copy(update={"class_weights": "balanced"})
    found = training_on.class_weights(replace(problem, training=balanced), labels)
    assert found[labels == 1].sum() == pytest.approx(found[labels == 0].sum())


def test_trees_are_grown_anew_from_drawn_rows_and_not_trained_on(problem):
    trees = Member(model=TreesHyperParameters(architecture="boosted_trees", trees=5))
    grown = replace(problem, specification=Specification(members=(trees,)))
    [found] = resampling.candidates(grown, FAIR, ResamplingRemedy(powers=(1,)))
    assert found.scores(problem.tuning, "binary").shape == (len(problem.tuning), 2)
    with pytest.raises(InputError, match="Trees cannot be trained on"):
        next(reweighting.candidates(grown, FAIR, ReweightingRemedy()))
