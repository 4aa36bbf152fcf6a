"""Continuous evaluation: TFMA's metrics of each model on each span, with intervals, by slice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.span import Problem, Span
from components.errors import InputError
from components.models.bootstrap import poisson_weights
from components.models.metric_names import (
    DEFAULT_METRICS,
    RANKINGS,
    REGRESSION,
)
from components.models.metrics import Sample, vectorised

_LEVEL = 0.95


def metric_names(config: DriftMonitorConfig, problem: Problem) -> tuple[str, ...]:
    """Return what is measured.

    Raises
    ------
    InputError
        For a metric that only TFMA's own engine computes.
    """
    names = config.metrics or DEFAULT_METRICS[problem.task]
    for name in names:
        if vectorised(name, problem.task) is None:
            raise InputError(
                f"The metric {name!r} is not computed over time.",
                setting="monitor.metrics",
                got=name,
                remedy="Leave it out; the Evaluator computes it.",
            )
    return names


def evaluate(span: Span, config: DriftMonitorConfig, problem: Problem) -> dict[str, Any]:
    """Return metrics by model: ``{"overall": {metric: {"value", "interval"}}, "slices": [...]}``.

    Parameters
    ----------
    span : Span
        Rows without a label are left out.
    config : DriftMonitorConfig
    problem : Problem

    Notes
    -----
    Metrics are those of the Evaluator's engine in memory, which agree with TFMA's. Intervals (95 %)
    are the value plus and minus the bootstrap's standard deviation times the quantile of Student's
    t. None stands for what is undefined, such as the AUC of one class alone.
    """
    known = span.take(span.labelled)
    found: dict[str, Any] = {}
    for name, scores in known.scores.items():
        overall = measure(known.labels, scores, config, problem)
        slices = [
            {
                "column": column,
                "value": value,
                "rows": len(rows),
                "metrics": measure(known.labels[rows], scores[rows], config, problem),
            }
            for column, value, rows in groups(known, config)
        ]
        found[name] = {"overall": overall, "slices": slices}
    return found


def groups(
    span: Span, config: DriftMonitorConfig
) -> Iterator[tuple[str, str, NDArray[np.integer[Any]]]]:
    """Yield the rows of each value of each slice column that has enough, and their places."""
    for column in config.slices:
        values = span.columns.get(column)
        if values is None:
            continue
        texts = values if values.dtype == object else np.array([_text(v) for v in values], object)
        for value in sorted(set(texts)):
            rows = np.flatnonzero(texts == value)
            if value != "" and len(rows) >= config.min_slice_size:
                yield column, value, rows


def measure(
    labels: NDArray[np.float64],
    scores: NDArray[np.float64],
    config: DriftMonitorConfig,
    problem: Problem,
) -> dict[str, dict[str, Any]]:
    """Return the value and the interval of each metric on some rows."""
    if not len(labels):
        return {}
    y = labels if problem.task == REGRESSION else labels.astype(np.int64)
    p = scores if scores.shape[1] > 2 else scores[:, -1]
    one_class = problem.task != REGRESSION and len(np.unique(y)) < len(problem.classes)
    names = metric_names(config, problem)
    values = _values(Sample(y, p, np.ones((len(y), 1))), names, problem)
    parts = [
        _values(Sample(y, p, weights), names, problem)
        for weights in poisson_weights(len(y), config.replicates, config.seed)
    ]
    quantile = float(stats.t.ppf((1 + _LEVEL) / 2, config.replicates - 1))
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        value = float(values[name][0])
        spread = float(np.concatenate([part[name] for part in parts]).std(ddof=1)) * quantile
        if not np.isfinite(value) or (one_class and name in RANKINGS):
            found[name] = {"value": None, "interval": None}
            continue
        interval = [value - spread, value + spread] if np.isfinite(spread) else None
        found[name] = {"value": value, "interval": None if name == "ExampleCount" else interval}
    return found


def _values(
    sample: Sample, names: tuple[str, ...], problem: Problem
) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name in names:
        metric = vectorised(name, problem.task)
        assert metric is not None
        found[name] = metric(sample)
    return found


def _text(value: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:g}"
