"""Architecture search on NAS-Bench-201: what each strategy finds in 100 evaluations.

    python -m benchmarks.nas [--quick] [--runs N]

The benchmark (Dong and Yang, ICLR 2020) holds the results of training each of 15,625 cells on
CIFAR-10, with two or three seeds each. A search asks for 100 validation accuracies, each of one
seed drawn at random, as if it had trained the cell once. It returns the cell whose accuracy came
out best; the score of the search is that cell's mean validation accuracy over all seeds, in
percent. The score of a strategy is the mean over seeded searches.

The strategies are driven without the oracle around them, which only keeps books, with one thread.
The last line on standard output is one JSON object: the score by strategy, its standard error
(``se``), the number of searches (``runs``), the seconds of processor time for one (``seconds``) and
the best cell's score (``optimum``).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import keras_tuner
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.data import hpo_table
from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import SearchSpace, Values
from components.strategies.table import STRATEGIES

EVALUATIONS = 100
OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
EDGES = [f"Op{edge}" for edge in range(6)]
#: The key of each strategy in the result, and its name in the table of strategies.
REPORTED = {
    "random": "random",
    "evolution": "evolution",
    "rl": "reinforcement",
    "local_search": "local_search",
    "bayesian": "bayesian",
}

#: Takes the values of a cell, returns the accuracy of one training of it.
Query = Callable[[Values], float]


class Table:
    """Validation accuracy in percent of every cell, one value for each seed."""

    def __init__(self) -> None:
        results = hpo_table("nasbench201", "cifar10")
        self.accuracies = {key: result["val_acc"] for key, result in results.items()}
        self.optimum = max(statistics.fmean(each) for each in self.accuracies.values())

    def key(self, values: Values) -> str:
        """Return the table's name of a cell."""
        return "".join(str(OPERATIONS.index(values[edge])) for edge in EDGES)

    def mean(self, values: Values) -> float:
        """Return the mean accuracy over all seeds."""
        return statistics.fmean(self.accuracies[self.key(values)])

    def query(self, seed: int) -> Query:
        """Return a function that draws one seed's accuracy."""
        rng = np.random.default_rng(seed)

        def draw(values: Values) -> float:
            accuracies = self.accuracies[self.key(values)]
            return float(accuracies[int(rng.integers(len(accuracies)))])

        return draw


def search_space() -> keras_tuner.HyperParameters:
    """Return the space: one of five operations on each of six edges."""
    space = keras_tuner.HyperParameters()
    for edge in EDGES:
        space.Choice(edge, OPERATIONS)
    return space


def drive_strategy(oracle: type[StrategyOracle], seed: int, query: Query) -> Values:
    """Search with the strategy alone and return the cell that came out best."""
    strategy = oracle.STRATEGY(SearchSpace.from_hyperparameters(search_space()), seed)
    seen: list[tuple[float, Values]] = []
    for _ in range(EVALUATIONS):
        values = strategy.propose()
        assert values is not None
        accuracy = query(values)
        strategy.observe(values, accuracy)
        seen.append((accuracy, values))
    return max(seen, key=lambda point: point[0])[1]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 searches each")
    parser.add_argument("--runs", type=int, help="searches with each strategy; default 500")
    options = parser.parse_args()
    runs = options.runs or (20 if options.quick else 500)
    table = Table()
    scores: dict[str, float] = {}
    errors: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for key, name in REPORTED.items():
        oracle = STRATEGIES[name]
        assert issubclass(oracle, StrategyOracle)
        started = time.process_time()
        with threadpool_limits(limits=1):
            found = [
                table.mean(drive_strategy(oracle, seed, table.query(seed))) for seed in range(runs)
            ]
        seconds[key] = round((time.process_time() - started) / runs, 4)
        scores[key] = round(statistics.fmean(found), 3)
        errors[key] = round(float(np.std(found)) / runs**0.5, 4)
        print(f"{key}: {scores[key]:.3f}, {seconds[key]:.3f} s a search", file=sys.stderr)
    result: dict[str, object] = {**scores, "optimum": round(table.optimum, 3)}
    result |= {"runs": runs, "se": errors, "seconds": seconds}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
