"""What a classifier's metrics would be on rows whose labels are not known, by its confidence.

A model whose probabilities are right says how often it errs. They are made right on the reference
by isotonic regression; each row then counts as every class, with the probability of it as its
weight. The estimate holds as long as the relation of features and label does: it sees that rows are
harder, and not that the concept changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.evaluation import metric_names
from components.drift_monitor.span import Problem
from components.models.bootstrap import poisson_weights
from components.models.metric_names import REGRESSION
from components.models.metrics import Sample, vectorised

#: Metrics that need the label itself and not only how often it is what.
_LEFT_OUT = ("Calibration", "ExampleCount", "MeanPrediction")
_LEVEL = 0.95


def calibrate(
    labels: NDArray[np.float64], scores: NDArray[np.float64], problem: Problem
) -> list[dict[str, list[float]]] | None:
    """Return for each class the points of the curve from score to frequency; None of a regression.

    Parameters
    ----------
    labels : ndarray, shape [n]
        Of the reference.
    scores : ndarray, shape [n, k]
    problem : Problem
    """
    if problem.task == REGRESSION or not len(labels):
        return None
    curves = []
    for index in range(len(problem.classes)):
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        fit.fit(scores[:, index], labels == index)
        curves.append({"x": fit.X_thresholds_.tolist(), "y": fit.y_thresholds_.tolist()})
    return curves


def estimate(
    scores: NDArray[np.float64],
    curves: list[Mapping[str, list[float]]],
    config: DriftMonitorConfig,
    problem: Problem,
) -> dict[str, dict[str, Any]]:
    """Return what each metric is expected to be, with an interval, and ``"estimate": true``.

    Parameters
    ----------
    scores : ndarray, shape [n, k]
        Of rows without a label.
    curves : list
        What `calibrate` returned.
    config, problem

    Notes
    -----
    The interval (95 %) is that of the rows, by the bootstrap, and of the labels that they will
    have, which are drawn from the calibrated probabilities in each replicate.
    """
    names = [name for name in metric_names(config, problem) if name not in _LEFT_OUT]
    chances = np.stack(
        [np.interp(scores[:, i], curve["x"], curve["y"]) for i, curve in enumerate(curves)], axis=1
    )
    total = chances.sum(axis=1, keepdims=True)
    chances = np.where(total > 0, chances / np.where(total > 0, total, 1), 1 / chances.shape[1])
    classes = chances.shape[1]
    p = scores if scores.shape[1] > 2 else scores[:, -1]
    every = Sample(
        np.tile(np.arange(classes), len(p)), np.repeat(p, classes, axis=0), chances.reshape(-1, 1)
    )
    random = np.random.default_rng(config.seed)
    cumulated = chances.cumsum(axis=1)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for weights in poisson_weights(len(p), config.replicates, config.seed):
        for replicate in weights.T:
            y = (random.random((len(p), 1)) > cumulated[:, :-1]).sum(axis=1)
            sample = Sample(y, p, replicate[:, None])
            for name in names:
                drawn[name].append(_value(name, sample, problem))
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        value = _value(name, every, problem)
        low, high = np.nanquantile(drawn[name], [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        fine = bool(np.isfinite([value, low, high]).all())
        found[name] = {
            "value": value if fine else None,
            "interval": [float(low), float(high)] if fine else None,
            "estimate": True,
        }
    return found


def _value(name: str, sample: Sample, problem: Problem) -> float:
    metric = vectorised(name, problem.task)
    assert metric is not None
    return float(metric(sample)[0])
