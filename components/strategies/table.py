"""Search strategies, each behind KerasTuner's `Oracle`, in one table."""

from __future__ import annotations

from components.strategies.bayesian import BayesianOracle
from components.strategies.evolution import EvolutionOracle
from components.strategies.grid import GridOracle
from components.strategies.hyperband import HyperbandOracle
from components.strategies.local_search import LocalSearchOracle
from components.strategies.oracle import SearchOracle
from components.strategies.random_search import RandomOracle
from components.strategies.reinforcement import ReinforcementOracle

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
