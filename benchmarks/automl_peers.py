"""The peers of `benchmarks.automl`; this module runs in their own environment.

It reads one request from standard input: the peer, the files of the training and the test rows, the
label, its positive value, the budget, the threads and a seed. It writes the probabilities of the
positive class on the test rows, in their order, and the seconds taken.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

#: Folds of the cross-validation by which settings are compared.
FOLDS = 5


@dataclass(frozen=True)
class Task:
    """What a peer gets.

    Attributes
    ----------
    train, test : DataFrame
        Numbers, and categories of which the test rows have those of the training rows.
    labels : ndarray of bool
        Whether each training row is positive.
    seconds : float
        Budget of the search and the last training.
    threads, seed : int
    """

    train: pd.DataFrame
    test: pd.DataFrame
    labels: np.ndarray
    seconds: float
    threads: int
    seed: int


def lightgbm(task: Task) -> np.ndarray:
    """LightGBM with its default settings; it splits categories as such."""
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_jobs=task.threads, random_state=task.seed, verbose=-1)
    return model.fit(task.train, task.labels).predict_proba(task.test)[:, 1]


def flaml(task: Task) -> np.ndarray:
    """FLAML's AutoML, with its default families, on the whole budget."""
    from flaml import AutoML

    automl = AutoML()
    automl.fit(
        task.train,
        task.labels.astype(int),
        task="classification",
        metric="roc_auc",
        time_budget=task.seconds,
        n_jobs=task.threads,
        seed=task.seed,
        verbose=0,
    )
    print(f"flaml: {automl.best_estimator} {automl.best_config}", file=sys.stderr)
    return automl.predict_proba(task.test)[:, 1]


def hgb_default(task: Task) -> np.ndarray:
    """scikit-learn's histogram gradient boosting with its default settings."""
    task = _without_constants(task)
    return _boosting(task).fit(task.train, task.labels).predict_proba(task.test)[:, 1]


def hgb(task: Task) -> np.ndarray:
    """The same, its settings found by random search with cross-validation on the whole budget.

    The defaults are tried first. No settings are tried that could not be expected to leave the
    time for a last training on all rows.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    task = _without_constants(task)
    started = time.monotonic()
    draw = np.random.default_rng(task.seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=task.seed)
    settings: dict[str, Any] = {}
    best, best_score, longest, tried = settings, -math.inf, 0.0, 0
    while True:
        before = time.monotonic()
        score = cross_val_score(
            _boosting(task, **settings),
            task.train,
            task.labels,
            scoring="roc_auc",
            cv=folds,
            error_score="raise",
        ).mean()
        tried += 1
        longest = max(longest, time.monotonic() - before)
        if score > best_score:
            best, best_score = settings, score
        last_training = 2 * longest / FOLDS
        if time.monotonic() - started + longest + last_training > task.seconds:
            break
        settings = {
            "learning_rate": _log_uniform(draw, 0.01, 0.3),
            "max_iter": 1000,
            "early_stopping": True,
            "max_leaf_nodes": round(_log_uniform(draw, 7, 127)),
            "min_samples_leaf": round(_log_uniform(draw, 5, 100)),
            "l2_regularization": _log_uniform(draw, 1e-3, 10),
            "max_features": draw.uniform(0.3, 1),
        }
    print(f"hgb: {tried} settings, best {best_score:.5f} by {best}", file=sys.stderr)
    model = _boosting(task, **best).fit(task.train, task.labels)
    return model.predict_proba(task.test)[:, 1]


def _without_constants(task: Task) -> Task:
    """Leave out columns of one value, which scikit-learn cannot bin in a fold without it."""
    names = [name for name in task.train.columns if task.train[name].nunique() > 1]
    return replace(task, train=task.train[names], test=task.test[names])


def _boosting(task: Task, **settings: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=task.seed, **settings
    )


def _log_uniform(draw: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(draw.uniform(np.log(low), np.log(high))))


PEERS: dict[str, Callable[[Task], np.ndarray]] = {
    "lightgbm": lightgbm,
    "flaml": flaml,
    "hgb": hgb,
    "hgb_default": hgb_default,
}


def read(path: str, like: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a file's rows, text as categories: those of `like` if it is given."""
    frame = pd.read_csv(path)
    for name in frame.columns:
        if like is not None:
            kind = like[name].dtype
            if isinstance(kind, pd.CategoricalDtype):  # a new category counts as missing
                frame[name] = frame[name].where(frame[name].isin(kind.categories))
            frame[name] = frame[name].astype(kind)
        elif not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
    return frame


def main() -> None:
    request = json.load(sys.stdin)
    train = read(request["train"])
    labels = train.pop(request["label"]).astype(str) == request["positive"]
    task = Task(
        train=train,
        test=read(request["test"], like=train),
        labels=labels.to_numpy(),
        seconds=request["seconds"],
        threads=request["threads"],
        seed=request["seed"],
    )
    started = time.monotonic()
    scores = PEERS[request["peer"]](task)
    seconds = time.monotonic() - started
    print(json.dumps({"scores": scores.tolist(), "seconds": seconds}))


if __name__ == "__main__":
    main()
