"""Optuna's tree-structured Parzen estimator on one table; runs in the peers' environment.

Numbers are given to it as integers, the level numbers, which is where it does best: it then
knows their order, and their spacing is even. What is text is categorical.
"""

from __future__ import annotations

import json
import sys
import time

import optuna

from benchmarks.hpo_tables import Table, table


def search(data: Table, seed: int, evaluations: int, multivariate: bool) -> int:
    """Return the row of the configuration whose single evaluation came out best."""
    losses = data.draws(seed)

    def objective(trial: optuna.Trial) -> float:
        chosen = {
            name: trial.suggest_categorical(name, list(range(len(levels))))
            if isinstance(levels[0], str)
            else trial.suggest_int(name, 0, len(levels) - 1)
            for name, levels in data.levels.items()
        }
        return float(losses[data.index(chosen)])

    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=multivariate)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=evaluations)
    return data.index(study.best_params)


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    optuna.logging.disable_default_handler()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    answer = []
    for seed in request["seeds"]:
        started = time.process_time()
        found = search(table(request["set"]), seed, request["evaluations"], request["multivariate"])
        answer.append({"found": found, "seconds": time.process_time() - started})
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
