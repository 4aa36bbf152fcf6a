"""Students: the largest of each shape that the budget allows."""

import numpy as np
import pytest

from components.distiller import contest, students
from components.distiller.config import BudgetConfig, DistillerConfig
from components.distiller.students import Size, candidates, template
from components.errors import InputError
from components.models.hyperparameters import (
    HyperParameters,
    ImageHyperParameters,
    TreesHyperParameters,
)
from components.models.specification import Member, Specification
from components.models.training_config import TrainingConfig
from tests.components.distiller import data
from tests.components.distiller.test_distilled import HP, make

FEATURES, ARRAYS = data.features_of(), data.table(20)
BASE = HyperParameters(hidden_units=(64, 32))
MLP = BASE.model_copy(update={"architecture": "mlp"})
TEACHER = Size(*(students.size_of(BASE, FEATURES, ARRAYS, with_latency=False).parameters,) * 2)


def parameters(hp):
    return students.size_of(hp, FEATURES, ARRAYS, with_latency=False).parameters


@pytest.mark.parametrize("share", [0.2, 0.04])
def test_candidates_are_within_the_budget_and_near_it(share):
    found = candidates(BASE, FEATURES, ARRAYS, BudgetConfig(parameters=share), TEACHER)
    assert {hp.architecture for hp in found} == {"wide_and_deep", "mlp"}
    assert {len(hp.hidden_units) for hp in found} == {1, 2}
    for hp in found:
        assert parameters(hp) <= share * TEACHER.parameters
    # A rung is a quarter of a halving: at most 2^(1/2) in the square of a width, and rounding.
    assert max(map(parameters, found)) > 0.55 * share * TEACHER.parameters


def test_limits_hold_together():
    budget = BudgetConfig(parameters=2000, bytes=2400)
    for hp in candidates(MLP, FEATURES, ARRAYS, budget, TEACHER):
        assert parameters(hp) <= 600


def test_latency_is_a_limit(monkeypatch):
    monkeypatch.setattr(
        students.measuring, "model_latency_ms", lambda model, arrays: model.count_params() / 1000
    )
    for hp in candidates(MLP, FEATURES, ARRAYS, BudgetConfig(latency_ms=0.5), TEACHER):
        assert parameters(hp) <= 500
    with pytest.raises(InputError, match="No student") as caught:
        candidates(MLP, FEATURES, ARRAYS, BudgetConfig(latency_ms=1e-3), TEACHER)
    assert "ms" in caught.value.details["expected"]


def test_many_categories_are_capped_only_if_all_are_too_many():
    many = data.features_of()
    [first, second] = many.categorical
    many = many.model_copy(
        update={"categorical": (first.model_copy(update={"size": 5000}), second)}
    )
    found = candidates(MLP, many, ARRAYS, BudgetConfig(parameters=1000), TEACHER)
    assert {hp.max_categories for hp in found} == {64}
    roomy = candidates(MLP, many, ARRAYS, BudgetConfig(parameters=20_000), TEACHER)
    assert {hp.max_categories for hp in roomy} == {None}


def test_a_budget_that_nothing_meets_is_explained():
    with pytest.raises(InputError, match="No student is within the budget") as caught:
        candidates(MLP, FEATURES, ARRAYS, BudgetConfig(parameters=5), TEACHER)
    assert caught.value.details["setting"] == "distiller.budget"
    assert "at least" in caught.value.details["expected"]
    assert caught.value.details["got"] == "parameters 5"


def test_images_are_seen_by_narrower_cells():
    arrays = data.pictures(4)
    base = ImageHyperParameters(filters=16, stages=1)
    teacher = students.size_of(base, data.IMAGES, arrays, with_latency=False)
    found = candidates(base, data.IMAGES, arrays, BudgetConfig(parameters=0.1), teacher)
    assert {hp.cell for hp in found} == {"residual", "depthwise"}
    for hp in found:
        size = students.size_of(hp, data.IMAGES, arrays, with_latency=False)
        assert size.parameters <= 0.1 * teacher.parameters
    lenet = ImageHyperParameters(architecture="lenet300")
    assert {hp.architecture for hp in students.shapes(lenet)} == {"cnn"}


TREES = TreesHyperParameters(architecture="boosted_trees")
CROSS = HyperParameters(architecture="cross", dropout=0.3, l2=0.1, epochs=9, learning_rate=0.5)


@pytest.mark.parametrize(
    ("members", "configured", "expected"),
    [
        ([(CROSS, 1.0)], BASE, "cross"),
        ([(TREES, 0.6), (BASE, 0.1), (CROSS, 0.3)], TREES, "cross"),  # the heaviest network
        ([(TREES, 1.0)], CROSS, "cross"),
        ([(TREES, 1.0)], TREES, "wide_and_deep"),
    ],
)
def test_the_template_is_of_the_teacher_s_family_where_that_is_a_network(
    members, configured, expected
):
    specification = Specification(
        members=tuple(Member(model=model, weight=weight) for model, weight in members)
    )
    config = DistillerConfig(training=TrainingConfig(model=configured))
    found = template(specification, config, images=False)
    assert found.architecture == expected
    assert (found.dropout, found.l2, found.epochs) == (0.0, 0.0, None)
    if expected == "cross":
        assert found.learning_rate == 0.5


def test_the_contest_ranks_by_the_loss():
    work = make()
    slow = HP.model_copy(update={"learning_rate": 1e-6})
    fast = HP.model_copy(update={"learning_rate": 0.02})
    entries = contest.hold(work, [slow, fast])
    assert [entry.hp for entry in entries] == [fast, slow]
    assert entries[0].loss < entries[1].loss
    assert np.isfinite(entries[1].loss)
