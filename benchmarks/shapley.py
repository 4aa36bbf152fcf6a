"""Shapley values on Adult, beside those of the shap package.

    python -m benchmarks.shapley [--quick]

A gradient boosting model of scikit-learn, of 50 trees, is trained on Adult's train split, with 12
of its columns: all but ``fnlwgt`` and ``education``, which says the same as ``education_num``. Its
probability of the positive class is explained on 100 rows of the test split against 100 rows of
the train split, both drawn by a seed.

The truth are the exact values from all 4,096 coalitions. The error is relative: the root of the
sum of squared differences, over all rows and columns, by that of the squared exact values.

Estimates at 88, 352 and 1408 coalitions a row, of which two are those of no and all columns: ours
by kriging, by paired KernelSHAP and by antithetic permutations; shap's KernelExplainer, without its
feature selection, which would leave out columns, and its PermutationExplainer, which is given the
number of coalitions as its number of evaluations. All have the same function, rows and background,
one process and one thread, and are timed as a whole, from rows to values, in seconds of its
processor, which other work on the machine hardly changes; the fastest of three runs counts if they
are short.

Faster at equal error means: the seconds that the faster of shap's two takes for an error, by those
that ours (by kriging, as the component does by itself for more features) takes for the same. They
are read off the line through a method's results at rising numbers of coalitions, in logarithms;
where shap does not come down to the error even with 1408 coalitions, these count, which is in its
favour. The errors are 0.034, 0.016 and 0.0075, those aimed at with 88, 352 and 1408 coalitions.
Beside it, for each of shap's results, the same at the very error of that result: where errors of a
tenth are good enough, the advantage is less.

The last line on standard output is one JSON object: ``error`` (ours by kriging, by coalitions);
``speedup`` (the least of those at the three errors); ``speedups`` (each of them, by error);
``at_errors_of_shap`` (by method and coalitions); ``methods`` (error and seconds of each method by
coalitions); ``exact_seconds`` and ``efficiency`` (the largest amount by which the exact values of a
row fail to sum up).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks import data
from components.explainer.shapley import kriging
from components.explainer.shapley.estimate import Estimate
from components.explainer.shapley.game import Game
from components.explainer.shapley.rounds import ESTIMATORS

LABEL, POSITIVE = "income", ">50K"
LEFT_OUT = ("fnlwgt", "education")
ROWS, QUICK_ROWS, BACKGROUND = 100, 20, 100
COALITIONS = (88, 352, 1408)
#: Errors at which speeds are compared.
ERRORS = (0.034, 0.016, 0.0075)
#: Numbers of coalitions at which ours is held against the errors of shap.
LADDER = (32, 36, 38, 40, 44, 48, 64, 88, 176, 352, 1408)
TREES, SEED = 50, 0
#: Runs of which the fastest counts, of all that take fewer seconds than that.
RUNS, SHORT = 3, 4.0


@dataclass(frozen=True)
class Task:
    """What is explained.

    Attributes
    ----------
    names : list of str
    rows, background : ndarray, shape [n, columns] and [m, columns]
        Text as the place of its value among all.
    predict : callable
        Rows to probabilities [n].
    """

    names: list[str]
    rows: np.ndarray
    background: np.ndarray
    predict: Callable[[np.ndarray], np.ndarray]

    def game(self) -> Game:
        """Return the game of the columns."""

        def values(columns: dict[str, np.ndarray]) -> np.ndarray:
            return self.predict(np.stack([columns[name] for name in self.names], axis=1))[:, None]

        own, usual = (
            {name: table[:, place] for place, name in enumerate(self.names)}
            for table in (self.rows, self.background)
        )
        return Game(values, own, usual, [(name,) for name in self.names], SEED)


@dataclass(frozen=True)
class Result:
    """Values, and how long they took."""

    values: np.ndarray
    seconds: float

    def error(self, truth: np.ndarray) -> float:
        """Return the relative error, from exact values [rows, columns]."""
        return float(np.linalg.norm(self.values - truth) / np.linalg.norm(truth))


def adult(rows: int) -> Task:
    """Train the model, and draw the rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    with tempfile.TemporaryDirectory() as directory:
        train, test = (
            pd.read_csv(path, keep_default_na=False, na_values={}).drop(columns=list(LEFT_OUT))
            for path in data.adult(Path(directory))
        )
    labels = (train.pop(LABEL) == POSITIVE).to_numpy(np.int64)
    test = test.drop(columns=LABEL)
    texts = [name for name in train if train[name].dtype == object]
    for name in texts:
        kinds = sorted({*train[name], *test[name]})
        for table in (train, test):
            table[name] = pd.Categorical(table[name], categories=kinds).codes
    model = HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=TREES,
        categorical_features=[name in texts for name in train],
        random_state=SEED,
    ).fit(train.to_numpy(np.float64), labels)
    random = np.random.default_rng(SEED)
    return Task(
        list(map(str, train)),
        test.to_numpy(np.float64)[random.choice(len(test), rows, replace=False)],
        train.to_numpy(np.float64)[random.choice(len(train), BACKGROUND, replace=False)],
        lambda asked: np.asarray(model.predict_proba(asked)[:, 1]),
    )


def timed(function: Callable[[], np.ndarray]) -> Result:
    """Return what a function returns, and how long it took."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < RUNS and seconds[0] < SHORT):
        started = time.process_time()
        values = function()
        seconds.append(time.process_time() - started)
    return Result(values, min(seconds))


def ours(task: Task, name: str, coalitions: int) -> np.ndarray:
    """Return our values [rows, columns], from all these coalitions."""
    # What was designed for an earlier call is not to help a later one.
    kriging.design.cache_clear()
    game = task.game()
    last: Estimate | None = None
    for estimate in ESTIMATORS[name](game.values, game.players, coalitions, SEED):
        last = estimate
    assert last is not None
    assert name == "exact" or last.coalitions <= coalitions
    return last.values[:, :, 0]


def shap_kernel(task: Task, coalitions: int) -> np.ndarray:
    """Return the values of shap's KernelExplainer."""
    import shap

    # The package draws from NumPy's global generator.
    np.random.seed(SEED)
    explainer = shap.KernelExplainer(task.predict, task.background)
    # The two coalitions at the ends are not in its number.
    found = explainer.shap_values(task.rows, nsamples=coalitions - 2, l1_reg=0, silent=True)
    return np.asarray(found)


def shap_permutation(task: Task, coalitions: int) -> np.ndarray:
    """Return the values of shap's PermutationExplainer."""
    import shap

    masker = shap.maskers.Independent(task.background, max_samples=BACKGROUND)
    explainer = shap.PermutationExplainer(task.predict, masker, seed=SEED)
    return np.asarray(explainer(task.rows, max_evals=coalitions, silent=True).values)


PEERS = {"shap_kernel": shap_kernel, "shap_permutation": shap_permutation}


def seconds_at(error: float, curve: list[tuple[float, float]]) -> float:
    """Return how long a method takes for an error.

    Parameters
    ----------
    error : float
    curve : list of tuple of float
        Seconds and error, at rising numbers of coalitions. Beyond its ends it is level.
    """
    taken = np.log([seconds for seconds, _ in curve])
    # More coalitions with a larger error are of no use to anybody.
    missed = np.minimum.accumulate(np.log([missed for _, missed in curve]))
    return float(np.exp(np.interp(-np.log(error), -missed, taken)))


def run(task: Task) -> dict[str, Any]:
    """Return the figures."""
    exactly = timed(lambda: ours(task, "exact", 0))
    truth = exactly.values
    print(f"exact: {exactly.seconds:.1f} s", file=sys.stderr)
    predictions = task.predict(task.rows) - task.predict(task.background).mean()
    methods: dict[str, dict[str, Any]] = {}

    def measured(method: str, coalitions: int, function: Callable[[], np.ndarray]) -> None:
        result = timed(function)
        found = {"error": result.error(truth), "seconds": result.seconds}
        methods.setdefault(method, {})[str(coalitions)] = found
        print(
            f"{method}, {coalitions} coalitions: error {found['error']:.5f}, "
            f"{found['seconds']:.2f} s",
            file=sys.stderr,
        )

    for coalitions in LADDER:
        measured("kriging", coalitions, lambda n=coalitions: ours(task, "kriging", n))
    # The package compiles a part of itself at the first call.
    for peer in PEERS.values():
        peer(replace(task, rows=task.rows[:1]), COALITIONS[0])
    for coalitions in COALITIONS:
        for name in ("kernel", "permutation"):
            measured(name, coalitions, lambda n=coalitions, m=name: ours(task, m, n))
        for name, peer in PEERS.items():
            measured(name, coalitions, lambda n=coalitions, p=peer: p(task, n))
    curves = {
        name: [(each["seconds"], each["error"]) for each in found.values()]
        for name, found in methods.items()
    }
    speedups = {
        str(error): min(seconds_at(error, curves[name]) for name in PEERS)
        / min(seconds_at(error, curves["kriging"]), exactly.seconds)
        for error in ERRORS
    }
    at_theirs = {
        f"{name} {coalitions}": each["seconds"]
        / min(seconds_at(each["error"], curves["kriging"]), exactly.seconds)
        for name in PEERS
        for coalitions, each in methods[name].items()
    }
    return {
        "error": {str(n): round(methods["kriging"][str(n)]["error"], 5) for n in COALITIONS},
        "speedup": round(min(speedups.values()), 1),
        "speedups": {error: round(each, 1) for error, each in speedups.items()},
        "at_errors_of_shap": {name: round(each, 1) for name, each in at_theirs.items()},
        "methods": {
            name: {n: {k: round(v, 5) for k, v in each.items()} for n, each in found.items()}
            for name, found in methods.items()
        },
        "exact_seconds": round(exactly.seconds, 2),
        "efficiency": float(np.abs(truth.sum(axis=1) - predictions).max()),
        "rows": len(task.rows),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shapley", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        found = run(adult(QUICK_ROWS if arguments.quick else ROWS))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
