"""Hyperparameter search on tables: our strategies against Optuna's and KerasTuner's.

    python -m benchmarks.hpo [--quick] [--seeds N] [--keep FILE] [--methods NAME ...]

The tables are FCNet's (four sets) and HPOBench's multilayer perceptrons' (eight); see
`benchmarks.hpo_tables`. A search asks for 100 losses, each of one training seed that the
search's seed draws for each configuration, the same for every method. It returns the
configuration whose loss came out best. Its regret is that configuration's mean loss over all
training seeds less the lowest mean of the table, in units of the median configuration's; its
logarithm is to base ten, and taken of 1e-5 at least.

``log_regret`` holds the mean over seeds by set and method. ``mean_rank`` ranks the methods by
the regret on each set and seed (ties share their mean rank) and takes the mean over the pairs
that every method has searched. ``ours_best`` is the one strategy of ours with the best mean rank,
named by ``ours_best_is``; ranks are among it and the methods that are not ours.
``mean_rank_of_all`` ranks all our strategies, too; ``mean_rank_without_keras_tuner`` leaves out
KerasTuner's, which takes half a minute for a search and is given fewer seeds. ``ranked_pairs``
counts the pairs with it and without it. ``seeds`` and ``seconds`` are the number of searches on
each set, and the mean processor time of one, by method.

``--keep`` names a file of finished searches; a run goes on from those that it holds. It is valid
for one version of the strategies.

Optuna's estimator, with its defaults and as multivariate, gets numbers as level numbers, by
``suggest_int``; KerasTuner's oracle runs unaltered in this
environment. All run with one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import sklearn
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from benchmarks.hpo_tables import SETS, Table, table
from benchmarks.peers import run_peer
from components.files import write_bytes
from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import SearchSpace
from components.strategies.table import STRATEGIES

EVALUATIONS = 100
#: Least regret that is told apart from none, before the logarithm.
FLOOR = 1e-5
#: Our strategies, but for random search, which stands for itself.
OURS = ("bayesian", "evolution", "reinforcement", "local_search")
PEERS = {"optuna_tpe": False, "optuna_tpe_multivariate": True}
KERAS_TUNER = "keras_tuner_bayesian"
#: Seeds of the slowest method, of the first ones: about an hour.
KERAS_TUNER_SEEDS = 10
METHODS = ("random", *OURS, *PEERS, KERAS_TUNER)

#: A finished search: method, set, seed, found (row of the table), seconds.
Search = dict[str, Any]


def search_space(data: Table) -> keras_tuner.HyperParameters:
    """Return the space as KerasTuner knows it: numbers are ordered choices."""
    space = keras_tuner.HyperParameters()
    for name, levels in data.levels.items():
        space.Choice(name, levels)
    return space


def row(data: Table, values: dict[str, Any]) -> int:
    """Return the row of a configuration."""
    return data.index({name: data.levels[name].index(values[name]) for name in data.levels})


def search_with_ours(name: str, data: Table, seed: int) -> int:
    """Search with one of our strategies; return the row of what it found."""
    oracle = STRATEGIES[name]
    assert issubclass(oracle, StrategyOracle)
    strategy = oracle.STRATEGY(SearchSpace.from_hyperparameters(search_space(data)), seed)
    losses = data.draws(seed)
    seen = []
    for _ in range(EVALUATIONS):
        values = strategy.propose()
        assert values is not None
        found = row(data, values)
        strategy.observe(values, -float(losses[found]))
        seen.append(found)
    return min(seen, key=lambda index: float(losses[index]))


def search_with_keras_tuner(data: Table, seed: int) -> int:
    """Search with KerasTuner's Bayesian oracle; return the row of what it found."""
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("loss", "min"),
        hyperparameters=search_space(data),
        max_trials=EVALUATIONS,
        seed=seed + 1,  # It takes 0 for no seed at all.
    )
    oracle.verbose = 0
    losses = data.draws(seed)
    seen = []
    # It predicts one point at a time: checking the point takes longer than the rest.
    unchecked = sklearn.config_context(assume_finite=True, skip_parameter_validation=True)
    with unchecked, tempfile.TemporaryDirectory() as directory:
        oracle._set_project_dir(directory, "search")
        while (trial := oracle.create_trial("tuner")).status == "RUNNING":
            found = row(data, trial.hyperparameters.values)
            oracle.update_trial(trial.trial_id, {"loss": float(losses[found])})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            seen.append(found)
    return min(seen, key=lambda index: float(losses[index]))


def search(method: str, name: str, seeds: list[int]) -> Iterator[Search]:
    """Search a set with each seed."""
    if method in PEERS:
        request = {
            "set": name,
            "seeds": seeds,
            "evaluations": EVALUATIONS,
            "multivariate": PEERS[method],
        }
        for seed, answer in zip(seeds, run_peer("benchmarks.hpo_peer", request), strict=True):
            yield {"method": method, "set": name, "seed": seed, **answer}
        return
    for seed in seeds:
        started = time.process_time()
        if method == KERAS_TUNER:
            found = search_with_keras_tuner(table(name), seed)
        else:
            found = search_with_ours(method, table(name), seed)
        seconds = time.process_time() - started
        yield {"method": method, "set": name, "seed": seed, "found": found, "seconds": seconds}


def kept_searches(path: Path) -> list[Search]:
    """Return the finished searches of a file, and cut off what a kill left half written."""
    if not path.exists():
        return []
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    write_bytes(path, "".join(whole).encode())
    return [json.loads(line) for line in whole]


def summarise(searches: list[Search]) -> dict[str, Any]:
    """Return the figures of the benchmark."""
    regrets: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    seconds: dict[str, list[float]] = defaultdict(list)
    for each in searches:
        regret = table(each["set"]).regret(each["found"])
        regrets[each["method"]][each["set"], each["seed"]] = regret
        seconds[each["method"]].append(each["seconds"])
    of_all, pairs = mean_ranks(regrets)
    best = min((name for name in OURS if name in regrets), key=of_all.__getitem__)
    others = {name: each for name, each in regrets.items() if name not in OURS}
    ranked = {"ours_best": regrets[best], **others}
    quick = {name: each for name, each in ranked.items() if name != KERAS_TUNER}
    of_quick, quick_pairs = mean_ranks(quick)
    sets = [name for name in SETS if name in {each["set"] for each in searches}]
    return {
        "mean_rank": mean_ranks(ranked)[0],
        "ours_best_is": best,
        "log_regret": {
            name: {
                method: mean_log(regret for (each, _), regret in by_pair.items() if each == name)
                for method, by_pair in regrets.items()
            }
            for name in sets
        },
        "mean_log_regret": {method: mean_log(each.values()) for method, each in regrets.items()},
        "mean_rank_of_all": of_all,
        "mean_rank_without_keras_tuner": of_quick,
        "ranked_pairs": {"with_keras_tuner": pairs, "without_keras_tuner": quick_pairs},
        "seeds": {method: len({seed for _, seed in each}) for method, each in regrets.items()},
        "seconds": {method: round(statistics.fmean(each), 2) for method, each in seconds.items()},
        "floor": FLOOR,
    }


def mean_log(regrets: Any) -> float:
    """Return the mean of the logarithms to base ten."""
    return round(float(np.mean(np.log10(np.maximum(list(regrets), FLOOR)))), 3)


def mean_ranks(regrets: dict[str, dict[tuple[str, int], float]]) -> tuple[dict[str, float], int]:
    """Return the mean rank of each method, 1 being the best, and the number of pairs ranked."""
    pairs = sorted(set.intersection(*(set(each) for each in regrets.values())))
    ranks = [rankdata([each[pair] for each in regrets.values()]) for pair in pairs]
    means = np.mean(ranks, axis=0).round(3).tolist()
    return dict(zip(regrets, means, strict=True)), len(pairs)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sets, two seeds")
    parser.add_argument("--seeds", type=int, help="searches on each set; default 30")
    parser.add_argument("--first-seed", type=int, default=0, help="other seeds to tune on")
    parser.add_argument("--keras-tuner-seeds", type=int, default=KERAS_TUNER_SEEDS)
    parser.add_argument("--keep", type=Path, help="file of finished searches")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    options = parser.parse_args()
    if not set(options.methods) & set(OURS):
        parser.error(f"--methods needs one of ours: {', '.join(OURS)}")
    count = options.seeds or (2 if options.quick else 30)
    names = ["protein_structure", "vehicle"] if options.quick else list(SETS)
    wanted = {
        method: range(options.first_seed, options.first_seed + count) for method in options.methods
    }
    if KERAS_TUNER in wanted:
        wanted[KERAS_TUNER] = wanted[KERAS_TUNER][: options.keras_tuner_seeds]
    searches = [
        each
        for each in (kept_searches(options.keep) if options.keep else [])
        if each["method"] in wanted
        and each["set"] in names
        and each["seed"] in wanted[each["method"]]
    ]
    done = {(each["method"], each["set"], each["seed"]) for each in searches}
    with threadpool_limits(limits=1):
        for method in options.methods:
            for name in names:
                left = [seed for seed in wanted[method] if (method, name, seed) not in done]
                found = []
                for each in search(method, name, left) if left else ():
                    found.append(each)
                    if options.keep:
                        with open(options.keep, "a") as file:
                            file.write(json.dumps(each) + "\n")
                searches += found
                if found:
                    mean = statistics.fmean(each["seconds"] for each in found)
                    print(
                        f"{method} on {name}: {len(found)} searches, {mean:.2f} s each",
                        file=sys.stderr,
                    )
    print(json.dumps(summarise(searches)))


if __name__ == "__main__":
    main()
