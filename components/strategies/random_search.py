"""Random search: independent points, uniform on each parameter's own scale."""

from __future__ import annotations

from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import Values
from components.strategies.strategy import Strategy


class RandomStrategy(Strategy):
    """Draw untried points; learn nothing.

    References
    ----------
    Bergstra, J. and Bengio, Y. (2012). Random search for hyper-parameter optimization. JMLR 13.
    """

    def _next(self) -> Values | None:
        return self.sample_untried()

    def _learn(self, values: Values, score: float | None) -> None:
        pass


class RandomOracle(StrategyOracle):
    """Random search behind KerasTuner's interface."""

    STRATEGY = RandomStrategy
