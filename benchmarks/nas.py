"""Architecture search on NAS-Bench-201: what each strategy finds in 100 evaluations.

    python -m benchmarks.nas [--quick] [--runs N] [--bayesian-runs N]

The benchmark (Dong and Yang, ICLR 2020) holds the results of training each of 15,625 cells on
CIFAR-10, with two or three seeds each. A search asks for 100 validation accuracies, each of one
seed drawn at random, as if it had trained the cell once. It returns the cell whose accuracy came
out best; the score of the search is that cell's mean validation accuracy over all seeds, in
percent. The score of a strategy is the mean over seeded searches.

Our strategies are driven without the oracle around them, which only keeps books. KerasTuner's
Bayesian oracle takes one to two minutes for a search, and is given fewer of them (``runs``).
The last line on standard output is one JSON object: the score by strategy, its standard error
(``se``), the number of searches (``runs``), the seconds for one search (``seconds``) and the best
cell's score (``optimum``).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import keras_tuner
import numpy as np

from benchmarks.data import hpo_table
from components.tuner.strategies import STRATEGIES
from components.tuner.strategies.oracle import SearchOracle, StrategyOracle
from components.tuner.strategies.search_space import SearchSpace, Values

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


def drive_oracle(oracle: type[SearchOracle], seed: int, query: Query) -> Values:
    """Search through KerasTuner's interface and return the cell that came out best."""
    objective = keras_tuner.Objective("accuracy", "max")
    search = oracle(objective, search_space(), seed=seed, max_trials=EVALUATIONS)
    with tempfile.TemporaryDirectory() as directory:
        search._set_project_dir(directory, "search")
        while (trial := search.create_trial("tuner")).status == "RUNNING":
            search.update_trial(trial.trial_id, {"accuracy": query(trial.hyperparameters.values)})
            trial.status = "COMPLETED"
            search.end_trial(trial)
        [best] = search.get_best_trials()
        return dict(best.hyperparameters.values)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 searches each, Bayesian 1")
    parser.add_argument("--runs", type=int, help="searches with each of our strategies")
    parser.add_argument("--bayesian-runs", type=int, help="searches with KerasTuner's oracle")
    options = parser.parse_args()
    table = Table()
    runs = dict.fromkeys(REPORTED, options.runs or (20 if options.quick else 500))
    runs["bayesian"] = options.bayesian_runs or (1 if options.quick else 2)
    scores: dict[str, float] = {}
    errors: dict[str, float | None] = {}
    seconds: dict[str, float] = {}
    for key, name in REPORTED.items():
        oracle = STRATEGIES[name]
        found: list[float] = []
        started = time.perf_counter()
        for seed in range(runs[key]):
            query = table.query(seed)
            if issubclass(oracle, StrategyOracle):
                best = drive_strategy(oracle, seed, query)
            else:
                best = drive_oracle(oracle, seed, query)
            found.append(table.mean(best))
        taken = (time.perf_counter() - started) / len(found)
        scores[key] = round(statistics.fmean(found), 3)
        spread = statistics.stdev(found) / len(found) ** 0.5 if len(found) > 1 else None
        errors[key] = spread and round(spread, 4)
        seconds[key] = round(taken, 4)
        print(
            f"{key}: {scores[key]:.3f} over {len(found)} searches, {taken:.3f} s each",
            file=sys.stderr,
        )
    result: dict[str, object] = {**scores, "optimum": round(table.optimum, 3)}
    result |= {"runs": runs, "se": errors, "seconds": seconds}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
