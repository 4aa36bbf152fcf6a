"""A network that cannot go against declared directions; see `components.models.lattice`."""

from __future__ import annotations

from collections.abc import Iterator

from components.models import lattice
from components.remediator.candidate import Candidate
from components.remediator.config import Monotonic, MonotonicRemedy
from components.remediator.problem import Problem

_DIRECTIONS = {"increasing": lattice.INCREASING, "decreasing": lattice.DECREASING}


def candidates(
    problem: Problem, check: Monotonic, settings: MonotonicRemedy
) -> Iterator[Candidate]:
    """Yield the network; see `components.remediator.remedies.REMEDIES`."""
    directions = {name: _DIRECTIONS[kind] for name, kind in check.columns.items()}
    model = lattice.fit(
        problem.features, problem.train.arrays, problem.tuning.arrays, directions, problem.seed
    )
    yield Candidate(model, "a lattice network")
