"""Local search: hill climbing with restarts."""

from __future__ import annotations

from typing import Any

from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import SearchSpace, Values
from components.strategies.strategy import Strategy


class LocalSearchStrategy(Strategy):
    """Try the neighbours of the best point; move to one that is better.

    Parameters
    ----------
    space : SearchSpace
    seed : int
    starts : int
        Random points of which the best is where the climb begins.

    Notes
    -----
    Neighbours differ in one active parameter and come in random order. The first better
    one becomes the centre, without a look at the rest. If none is better, the climb begins
    again from fresh random points.

    References
    ----------
    White, C., Nolen, S. and Savani, Y. (2021). Exploring the loss landscape in neural
    architecture search. UAI.
    """

    def __init__(self, space: SearchSpace, seed: int, *, starts: int = 10) -> None:
        super().__init__(space, seed)
        self.starts = starts
        self.drawn = 0
        self.centre: tuple[Values, float] | None = None
        self.queue: list[Values] = []
        self.waiting: list[str] = []

    def _next(self) -> Values | None:
        if self.drawn >= self.starts and self.centre is not None:
            while self.queue:
                values = self.queue.pop()
                if not self.is_tried(values):
                    self.waiting.append(self.space.key(values))
                    return values
            if not self.waiting:
                self.drawn, self.centre = 0, None
        self.drawn += 1
        start = self.sample_untried()
        if start is not None:
            self.waiting.append(self.space.key(start))
        return start

    def _learn(self, values: Values, score: float | None) -> None:
        key = self.space.key(values)
        if key in self.waiting:
            self.waiting.remove(key)
        else:
            self.drawn += 1  # An earlier trial stands in for a random one.
        if score is not None and (self.centre is None or score > self.centre[1]):
            self.centre = (values, score)
            self.queue = self.space.neighbours(values, self.rng)

    def get_state(self) -> dict[str, Any]:
        return {
            **super().get_state(),
            "drawn": self.drawn,
            "centre": self.centre and list(self.centre),
            "queue": self.queue,
            "waiting": self.waiting,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.drawn = state["drawn"]
        self.centre = state["centre"] and tuple(state["centre"])
        self.queue = state["queue"]
        self.waiting = state["waiting"]


class LocalSearchOracle(StrategyOracle):
    """Local search behind KerasTuner's interface."""

    STRATEGY = LocalSearchStrategy
