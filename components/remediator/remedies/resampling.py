"""Training on rows that are drawn anew, by the weights of ``reweighting``.

Kamiran and Calders 2012, section 4.2, "uniform sampling". Models of trees, for which the others
cannot train on, are grown anew from such rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tf_keras

from components.models import fitting
from components.remediator import training_on
from components.remediator.candidate import Candidate
from components.remediator.config import FairnessGap, ResamplingRemedy, SliceGap
from components.remediator.problem import Arrays, Problem
from components.remediator.remedies.weights import Weighting, weightings


def candidates(
    problem: Problem, check: FairnessGap | SliceGap, settings: ResamplingRemedy
) -> Iterator[Candidate]:
    """Yield a model for each strength; see `components.remediator.remedies.REMEDIES`."""
    for found in weightings(problem, check, settings):
        arrays = drawn(problem.train.arrays, found.train, problem.seed)
        yield Candidate(_fit(problem, arrays, found), found.strength)


def drawn(arrays: Arrays, weights: np.ndarray, seed: int) -> Arrays:
    """Return as many rows, each drawn with a probability in proportion to its weight."""
    rows = len(weights)
    chosen = np.random.default_rng(seed).choice(rows, rows, p=weights / weights.sum())
    return {name: values[chosen] for name, values in arrays.items()}


def _fit(problem: Problem, arrays: Arrays, found: Weighting) -> tf_keras.Model:
    members = problem.specification.members
    if not training_on.is_network(problem) and len(members) == 1:
        model, _ = fitting.fit(
            members[0],
            problem.features,
            arrays,
            problem.tuning.arrays,
            problem.training,
            watch=fitting.Watch(deadline=problem.deadline),
        )
        return model
    return training_on.fit(problem, arrays, np.ones(len(found.train)), found.tuning)
