"""Training on with rows of other weights: see `components.remediator.remedies.weights`."""

from __future__ import annotations

from collections.abc import Iterator

from components.remediator import training_on
from components.remediator.candidate import Candidate
from components.remediator.config import FairnessGap, ReweightingRemedy, SliceGap
from components.remediator.problem import Problem
from components.remediator.remedies.weights import weightings


def candidates(
    problem: Problem, check: FairnessGap | SliceGap, settings: ReweightingRemedy
) -> Iterator[Candidate]:
    """Yield a network for each strength; see `components.remediator.remedies.REMEDIES`."""
    for found in weightings(problem, check, settings):
        model = training_on.fit(problem, problem.train.arrays, found.train, found.tuning)
        yield Candidate(model, found.strength)
