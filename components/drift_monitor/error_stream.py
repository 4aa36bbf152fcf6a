"""Errors of a model as the rows that each detector takes, and detectors on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.detectors import alarm_rate, table
from components.drift_monitor.detectors.base import Detector
from components.drift_monitor.span import Problem, predicted
from components.errors import InputError
from components.models.metric_names import REGRESSION

#: Detectors where none are set: of several kinds, and none that gives many false alarms.
_DEFAULTS = {
    "binary": ("ddm", "hddm_a", "adwin", "linear_four_rates"),
    "multiclass": ("ddm", "hddm_a", "adwin"),
    "regression": ("adwin", "ewma"),
}
#: Of the simulation of false alarms.
_STREAMS, _ROWS = 10, 50_000


@dataclass(frozen=True)
class Errors:
    """Labels and predictions of rows whose labels are known, in the order of the stream.

    Attributes
    ----------
    labels, predictions : ndarray of float64, shape [n]
        Indices of classes, or values.
    """

    labels: NDArray[np.float64]
    predictions: NDArray[np.float64]

    @classmethod
    def of(cls, labels: NDArray[np.float64], scores: NDArray[np.float64], task: Any) -> Errors:
        """Return those of rows with labels [n] and scores [n, k]."""
        return cls(labels, predicted(scores, task))

    def sizes(self, task: str) -> NDArray[np.float64]:
        """Return the error of each row: 0 or 1, or the absolute residual."""
        if task == REGRESSION:
            return np.asarray(np.abs(self.labels - self.predictions))
        return np.asarray(self.labels != self.predictions, np.float64)

    def rows(self, kind: str, task: str, scale: float, chart_rows: int) -> NDArray[Any]:
        """Return what a detector of this kind takes.

        Parameters
        ----------
        kind : str
            `Detector.INPUT`.
        task : str
        scale : float
            By which absolute residuals are divided: their standard deviation on the reference.
        chart_rows : int
            Rows of one point of a p-chart; a rest at the end is a point of its own.
        """
        if kind == "pair":
            return np.stack([self.labels, self.predictions], axis=1)
        sizes = self.sizes(task)
        if kind == "count":
            starts = np.arange(0, len(sizes), chart_rows)
            trials = np.diff([*starts, len(sizes)])
            failures = np.add.reduceat(sizes, starts) if len(sizes) else np.empty(0)
            return np.stack([failures, trials], axis=1)
        return sizes / scale if task == REGRESSION else sizes


def place(row: int, kind: str, chart_rows: int, *, end: bool = True) -> int:
    """Return the row of the stream at which a detector's row ends, or begins."""
    if kind != "count":
        return row
    return row * chart_rows + (chart_rows - 1 if end else 0)


def make(
    settings: Mapping[str, Mapping[str, Any]] | None,
    problem: Problem,
    sizes: NDArray[np.float64],
) -> dict[str, Detector]:
    """Return new detectors.

    Parameters
    ----------
    settings : mapping or None
        Parameters by name; None takes the usual ones of the task.
    problem : Problem
    sizes : ndarray, shape [n]
        Errors on the reference, in the units in which the detectors take them: a control chart
        without a target takes their mean and deviation.

    Raises
    ------
    InputError
        An impossible parameter.
    """
    chosen = settings if settings is not None else {n: {} for n in _DEFAULTS[problem.task]}
    found = {}
    for name, given in chosen.items():
        parameters = dict(given)
        if name in ("ewma", "cusum") and not {"target", "deviation"} & set(parameters):
            spread = float(sizes.std())
            if spread > 0:
                parameters |= {"target": float(sizes.mean()), "deviation": spread}
        try:
            found[name] = table.make(name, parameters)
        except InputError as error:
            setting = error.details.get("setting", "")
            error.details["setting"] = f"monitor.detectors.{name}.{setting}".rstrip(".")
            raise
    return found


def false_alarms(
    detectors: Mapping[str, Detector],
    usual: Errors,
    problem: Problem,
    scale: float,
    config: DriftMonitorConfig,
) -> dict[str, dict[str, float]]:
    """Return how often each detector gives an alarm on streams like the reference.

    Parameters
    ----------
    detectors : mapping
    usual : Errors
        Those on the reference.
    problem : Problem
    scale : float
        See `Errors.rows`.
    config : DriftMonitorConfig

    Returns
    -------
    dict
        ``per_100_000`` rows, with its ``standard_error``, by detector. Rows of the simulated
        streams are drawn from the reference, independently and with replacement.
    """
    found = {}
    for name, detector in detectors.items():

        def stream(random: np.random.Generator, rows: int, kind: str = detector.INPUT) -> Any:
            drawn = random.integers(0, len(usual.labels), rows)
            each = Errors(usual.labels[drawn], usual.predictions[drawn])
            return each.rows(kind, problem.task, scale, config.chart_rows)

        rate = alarm_rate.false_alarms(
            detector, stream, streams=_STREAMS, rows=_ROWS, seed=config.seed
        )
        found[name] = {"per_100_000": rate.per_100_000, "standard_error": rate.standard_error}
    return found


def within_budget(rates: Mapping[str, float], budget: float) -> list[str]:
    """Return the detectors whose alarms count: the costliest are left out until all keep it."""
    kept = sorted(rates, key=lambda name: rates[name])
    while kept and sum(rates[name] for name in kept) > budget:
        kept.pop()
    return [name for name in rates if name in kept]
