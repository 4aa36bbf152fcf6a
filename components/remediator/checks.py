"""The declared checks: how each is measured, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from components import fairness
from components.calibration import expected_calibration_error
from components.models.judge import METRICS
from components.models.metric_names import BINARY, METRIC_NAMES, REGRESSION, Task
from components.models.metrics import Sample, vectorised
from components.models.rows import Rows
from components.remediator import groups, robustness
from components.remediator.candidate import Candidate
from components.remediator.config import (
    Calibration,
    Check,
    FairnessGap,
    Monotonic,
    Robustness,
    SliceGap,
)
from components.remediator.monotonicity import largest_step_against

#: Score from which a decision is positive.
THRESHOLD = 0.5
#: What a limit may be missed by: the scores are float32.
TOLERANCE = 1e-6

Better = Literal["higher", "lower"]
Predict = Callable[[dict[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Scored:
    """A model on some rows, as the checks see it.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    rows : Rows
    scores : ndarray, shape [n, k]
    candidate : Candidate
        Whose gradients are followed.
    predict : callable or None
        The served model, raw columns to scores; None for images and for what is not saved.
    seed : int
    """

    task: Task
    rows: Rows
    scores: np.ndarray
    candidate: Candidate
    predict: Predict | None
    seed: int


@dataclass(frozen=True)
class Measured:
    """What a check found.

    Attributes
    ----------
    value : float or None
        None where it cannot be measured.
    detail : str
        Where it was worst, or why it was not measured.
    """

    value: float | None
    detail: str


def better(check: Check) -> Better:
    """Return the direction in which a check's value improves."""
    if isinstance(check, Robustness):
        return "higher"
    ratio = isinstance(check, FairnessGap) and check.gap == "demographic_parity_ratio"
    return "higher" if ratio else "lower"


def excess(check: Check, value: float) -> float:
    """Return by how much a value misses the check's limit; at most `TOLERANCE` if it holds."""
    return check.limit - value if better(check) == "higher" else value - check.limit


def holds(check: Check, value: float) -> bool:
    """Tell whether a value keeps the check's limit."""
    return excess(check, value) <= TOLERANCE


def measure(check: Check, model: Scored) -> Measured:
    """Return what a check finds of a model."""
    return _MEASURES[type(check)](check, model)


def _slice_gap(check: SliceGap, model: Scored) -> Measured:
    gaps = slice_gaps(check, model.task, model.rows, model.scores)
    if not gaps:
        return Measured(None, f"no slice has {check.min_rows} rows and a value of the metric")
    worst = max(gaps, key=lambda name: gaps[name])
    return Measured(max(gaps[worst], 0.0), worst)


def slice_gaps(check: SliceGap, task: Task, rows: Rows, scores: np.ndarray) -> dict[str, float]:
    """Return by how much the metric is worse on each slice than on all rows.

    Slices on which the metric is not defined are left out; below 0 it is better there.
    """
    metric = check.metric or METRICS[task][0]
    sign = 1.0 if METRIC_NAMES[metric].better == "higher" else -1.0
    predictions = scores[:, -1] if task in (BINARY, REGRESSION) else scores
    everything = _metric(metric, task, rows.labels, predictions)
    found = {
        name: sign * (everything - _metric(metric, task, rows.labels[part], predictions[part]))
        for name, part in groups.slices(check, rows.columns).items()
    }
    return {name: gap for name, gap in found.items() if np.isfinite(gap)}


def _metric(name: str, task: Task, labels: np.ndarray, predictions: np.ndarray) -> float:
    function = vectorised(name, task)
    # A ranking needs two classes to rank.
    if name.startswith("AUC") and len(np.unique(labels)) < 2:
        return float("nan")
    assert function is not None
    return float(function(Sample(labels, predictions, np.ones((len(labels), 1))))[0])


def group_rates(
    check: FairnessGap, rows: Rows, scores: np.ndarray
) -> dict[str, fairness.GroupRates]:
    """Return the rates of the groups that are large enough to count."""
    found = fairness.rates(
        rows.labels, scores[:, -1], groups.texts(rows.columns[check.column]), THRESHOLD
    )
    return {name: each for name, each in found.items() if each.rows >= check.min_group_size}


#: The rate in which groups differ, by the gap.
RATES = {
    "demographic_parity_difference": "selection_rate",
    "demographic_parity_ratio": "selection_rate",
    "equal_opportunity_difference": "true_positive_rate",
    "equalized_odds_difference": "true_positive_rate",
}


def _fairness_gap(check: FairnessGap, model: Scored) -> Measured:
    found = group_rates(check, model.rows, model.scores)
    value = fairness.gaps(found)[check.gap]
    if not np.isfinite(value):
        return Measured(None, f"fewer than two groups of {check.min_group_size} rows have a rate")
    rates = {name: getattr(each, RATES[check.gap]) for name, each in found.items()}
    rates = {name: rate for name, rate in rates.items() if np.isfinite(rate)}
    told = [
        f"{name} {rates[name]:.3f}"
        for name in (min(rates, key=_of(rates)), max(rates, key=_of(rates)))
    ]
    return Measured(float(value), f"{RATES[check.gap].replace('_', ' ')}: {', '.join(told)}")


def _of(rates: Mapping[str, float]) -> Callable[[str], float]:
    return lambda name: rates[name]


def _robustness(check: Robustness, model: Scored) -> Measured:
    value = robustness.accuracy(
        model.candidate,
        model.rows,
        task=model.task,
        eps=check.eps,
        max_rows=check.max_rows,
        seed=model.seed,
    )
    if value is None:
        return Measured(None, "the model has no gradient that an attack could follow")
    return Measured(value, f"{min(check.max_rows, len(model.rows)):,} rows attacked")


def _calibration(check: Calibration, model: Scored) -> Measured:
    value = expected_calibration_error(model.rows.labels, model.scores, check.bins)
    return Measured(float(value), f"{check.bins} bins of equal mass")


def _monotonic(check: Monotonic, model: Scored) -> Measured:
    if model.predict is None:
        return Measured(None, "it is measured on raw columns of the saved model")
    way, column = largest_step_against(model.predict, model.rows.columns, check.columns, model.seed)
    return Measured(way, f"{column} {check.columns[column]}")


_MEASURES: dict[type, Callable[..., Measured]] = {
    SliceGap: _slice_gap,
    FairnessGap: _fairness_gap,
    Robustness: _robustness,
    Calibration: _calibration,
    Monotonic: _monotonic,
}
