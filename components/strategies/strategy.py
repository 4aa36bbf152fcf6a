"""What every strategy is: a seeded source of points that learns from their scores."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np

from components.strategies.search_space import SearchSpace, Values

#: Draws before a space counts as exhausted, or as worth listing point by point.
DRAWS = 200
#: Largest grid that is listed to find its last untried points.
LISTED = 100_000


class Strategy(abc.ABC):
    """Proposes points to try; hears their scores.

    Parameters
    ----------
    space : SearchSpace
    seed : int
        Two strategies with the same seed that hear the same scores propose the same points.

    Notes
    -----
    Every proposal is new: no point is proposed twice, nor one that was observed. A score
    is the larger the better; a trial that failed has none.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self.space = space
        self.rng = np.random.default_rng(seed)
        self.tried: set[str] = set()

    def propose(self) -> Values | None:
        """Return the next point, or None if no untried one is left."""
        values = self._next()
        if values is not None:
            self.tried.add(self.space.key(values))
        return values

    def observe(self, values: Values, score: float | None) -> None:
        """Learn the score of a point, proposed or not; None if its trial failed."""
        self.tried.add(self.space.key(values))
        self._learn(values, score)

    def is_tried(self, values: Values) -> bool:
        """Tell whether a point was proposed or observed."""
        return self.space.key(values) in self.tried

    def sample_untried(self) -> Values | None:
        """Draw an untried point, uniformly; None if there is none left."""
        return sample_untried(self.space, self.rng, self.is_tried)

    @abc.abstractmethod
    def _next(self) -> Values | None:
        """Return an untried point, or None."""

    @abc.abstractmethod
    def _learn(self, values: Values, score: float | None) -> None:
        """Take a score into account."""

    def get_state(self) -> dict[str, Any]:
        """Return all that later proposals depend on, as JSON."""
        return {"rng": self.rng.bit_generator.state, "tried": sorted(self.tried)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state that `get_state` returned."""
        self.rng.bit_generator.state = state["rng"]
        self.tried = set(state["tried"])


def sample_untried(space: SearchSpace, rng: np.random.Generator, is_tried: Any) -> Values | None:
    """Draw a point for which `is_tried` is false, or return None if there is none left."""
    for _ in range(DRAWS):
        values = space.sample(rng)
        if not is_tried(values):
            return values
    if not space.finite or space.size() > LISTED:
        return None
    left = [values for values in space.points() if not is_tried(values)]
    return left[int(rng.random() * len(left))] if left else None
