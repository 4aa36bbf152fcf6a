"""Regularized (aging) evolution."""

from __future__ import annotations

from collections import deque
from typing import Any

from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import SearchSpace, Values
from components.strategies.strategy import Strategy

#: Mutations of one parent that are tried before it is mutated once more.
ATTEMPTS = 10


class EvolutionStrategy(Strategy):
    """Mutate the best of a sample of a population that forgets its oldest.

    Parameters
    ----------
    space : SearchSpace
    seed : int
    population : int
        Points alive. The paper's 100 suits its 20,000 evaluations.
    sample : int
        Points drawn from the population, of which the best is the parent.

    Notes
    -----
    The population starts at random. A child differs from its parent in one active
    parameter; if all those were tried, in two, and so on. Dying of age and not of a bad
    score, a point that was only lucky in a noisy evaluation does not stay.

    References
    ----------
    Real, E. et al. (2019). Regularized evolution for image classifier architecture search. AAAI.
    """

    def __init__(
        self, space: SearchSpace, seed: int, *, population: int = 20, sample: int = 10
    ) -> None:
        super().__init__(space, seed)
        self.size = population
        self.sample = sample
        self.population: deque[tuple[Values, float]] = deque(maxlen=population)

    def _next(self) -> Values | None:
        # Running trials count, so that parallel ones do not swell the random start; failures
        # may leave nobody alive.
        if len(self.tried) < self.size or not self.population:
            return self.sample_untried()
        drawn = self.rng.choice(
            len(self.population), min(self.sample, len(self.population)), replace=False
        )
        parent, _ = max((self.population[index] for index in drawn), key=lambda point: point[1])
        for _ in range(len(self.space.parameters)):
            for _ in range(ATTEMPTS):
                child = self.space.mutate(parent, self.rng)
                if not self.is_tried(child):
                    return child
            parent = child
        return self.sample_untried()

    def _learn(self, values: Values, score: float | None) -> None:
        if score is not None:
            self.population.append((values, score))

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "population": [list(point) for point in self.population]}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.population.clear()
        self.population.extend((values, score) for values, score in state["population"])


class EvolutionOracle(StrategyOracle):
    """Regularized evolution behind KerasTuner's interface."""

    STRATEGY = EvolutionStrategy
