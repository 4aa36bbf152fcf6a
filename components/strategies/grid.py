"""Grid search: every point of the grid once, in order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import SearchSpace, Values
from components.strategies.strategy import Strategy


class GridStrategy(Strategy):
    """Walk the grid; the last parameter changes fastest.

    A number without a step is tried at ten values, spread evenly on its scale.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self.taken = 0
        self._points: Iterator[Values] = space.points()

    def _next(self) -> Values | None:
        for values in self._points:
            self.taken += 1
            if not self.is_tried(values):
                return values
        return None

    def _learn(self, values: Values, score: float | None) -> None:
        pass

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "taken": self.taken}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.taken = state["taken"]
        self._points = islice(self.space.points(), self.taken, None)


class GridOracle(StrategyOracle):
    """Grid search behind KerasTuner's interface."""

    STRATEGY = GridStrategy
