"""Search strategies, each behind KerasTuner's `Oracle`, in one table."""

from __future__ import annotations

from components.tuner.strategies.bayesian import BayesianOracle
from components.tuner.strategies.evolution import EvolutionOracle
from components.tuner.strategies.grid import GridOracle
from components.tuner.strategies.hyperband import HyperbandOracle
from components.tuner.strategies.local_search import LocalSearchOracle
from components.tuner.strategies.oracle import EarlierTrial, SearchOracle
from components.tuner.strategies.random_search import RandomOracle
from components.tuner.strategies.reinforcement import ReinforcementOracle

__all__ = ["STRATEGIES", "EarlierTrial", "SearchOracle"]

#: The oracle of each strategy, by its name in the config.
STRATEGIES: dict[str, type[SearchOracle]] = {
    "grid": GridOracle,
    "random": RandomOracle,
    "bayesian": BayesianOracle,
    "hyperband": HyperbandOracle,
    "evolution": EvolutionOracle,
    "reinforcement": ReinforcementOracle,
    "local_search": LocalSearchOracle,
}
