"""Gradient-boosted trees, as the Trainer grows them, with few settings."""

from __future__ import annotations

import tf_keras

from components.model_debugger.benchmark_models.problem import Fitted, Problem, Stopper
from components.models import trees
from components.models.hyperparameters import TreesHyperParameters
from components.models.transformed import LABEL, NUMERIC
from components.page import count

#: Rounds at most, and those after the best before growing ends.
SETTINGS = TreesHyperParameters(architecture="boosted_trees", trees=300, patience=25)


def fit(problem: Problem) -> Fitted:
    """Return boosted trees with as many rounds as the validation rows find good."""
    problem = problem.sample(problem.config.max_rows)
    stopper = Stopper(problem.out_of_time)
    model, history = trees.fit(
        SETTINGS,
        problem.table,
        problem.train,
        problem.validation,
        label=LABEL,
        seed=problem.seed,
        on_round=stopper,
    )
    if problem.features.image is not None:
        inputs, parts = problem.inputs()
        model = tf_keras.Model(inputs, model({NUMERIC: parts[NUMERIC]}), name="boosted_trees")
    rounds = count(history.rounds, "round")
    learned = f"{rounds} of trees with up to {SETTINGS.max_leaves} leaves."
    return Fitted(model, (learned,), len(problem), stopper.notes)
