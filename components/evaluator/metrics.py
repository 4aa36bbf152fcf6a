"""Metrics over many weightings of the same rows at once, as TFMA defines them.

A metric is a function of labels `y` (shape ``[n]``), predictions `p` (``[n]``, or
``[n, classes]`` for more than two classes) and weights `w` (``[replicates, n]``), and
returns one value per replicate. A weight of two counts a row twice. Labels of classes
are their indices; of two classes, `p` is the probability of the second.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from components.evaluator.metric_names import METRIC_NAMES, MULTICLASS, Task

Values = NDArray[np.float64]
Metric = Callable[[np.ndarray, np.ndarray, Values], Values]

_BUCKETS = 10_000
_EPSILON = 1e-7


def _ratio(numerator: Values, denominator: Values) -> Values:
    """Divide where the denominator is positive; elsewhere not a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _mean(values: np.ndarray, w: Values) -> Values:
    """Return the weighted mean over the rows whose value is a number."""
    known = ~np.isnan(values)
    if not known.all():
        values, w = values[known], w[:, known]
    return _ratio(w @ values.astype(np.float64), w.sum(axis=1))


def example_count(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Number of rows."""
    return w.sum(axis=1)


def mean_label(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean of the labels."""
    return _mean(y, w)


def mean_prediction(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean of the predictions."""
    return _mean(p, w)


def calibration(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Sum of the predictions over the sum of the labels; 1 is calibrated on average."""
    labels = w @ y.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isclose(labels, 0), np.nan, w @ p.astype(np.float64) / labels)


@cache
def _threshold_of_bucket() -> NDArray[np.int64]:
    """Map TFMA's histogram buckets to the highest of its thresholds below them.

    TFMA counts predictions in buckets of width 1/10,000, and one on either side of
    [0, 1]. Its AUC then asks which lie above each of 10,000 thresholds, which are
    1/9,999 apart.
    """
    edges = np.concatenate([[-np.inf], np.arange(_BUCKETS) / _BUCKETS, [np.inf]])
    thresholds = np.arange(_BUCKETS) / (_BUCKETS - 1) + _EPSILON
    thresholds[0] = 0.0
    found = np.searchsorted(thresholds, edges, side="right") - 1
    # Nothing counts as above the last threshold, which lies above 1.
    return np.clip(found, 0, _BUCKETS - 2)


def _counts_by_threshold(y: np.ndarray, p: np.ndarray, w: Values) -> tuple[Values, Values]:
    """Return true and false positives at falling thresholds, starting with none.

    Thresholds between which no prediction lies are left out: they add no area.
    """
    buckets = np.clip((p.astype(np.float64) * _BUCKETS + 1).astype(np.int64), 0, _BUCKETS + 1)
    thresholds = _threshold_of_bucket()[buckets]
    order = np.argsort(-thresholds, kind="stable")
    starts = np.flatnonzero(np.diff(thresholds[order], prepend=-1))
    positive = y[order] == 1
    weights = w[:, order]
    counts = []
    for of_class in (positive, ~positive):
        by_threshold = np.add.reduceat(weights * of_class, starts, axis=1)
        counts.append(np.pad(np.cumsum(by_threshold, axis=1), ((0, 0), (1, 0))))
    return counts[0], counts[1]


def auc(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Area under the ROC curve; 0 if one of the classes is absent, as in TFMA."""
    tp, fp = _counts_by_threshold(y, p, w)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.nan_to_num(tp / tp[:, -1:])
        fall_out = np.nan_to_num(fp / fp[:, -1:])
    return (np.diff(fall_out) * (recall[:, 1:] + recall[:, :-1]) / 2).sum(axis=1)


def auc_precision_recall(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Area under the precision-recall curve, interpolated as by Davis & Goadrich (2006)."""
    tp, fp = _counts_by_threshold(y, p, w)
    above = tp + fp
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = np.diff(tp)
        slope = rise / np.diff(above)
        intercept = tp[:, :-1] - slope * above[:, :-1]
        growth = np.where(above[:, :-1] != 0, above[:, 1:] / above[:, :-1], 1.0)
        area = slope * (rise + intercept * np.log(growth)) / tp[:, -1:]
    return np.nansum(area, axis=1)


def _from_confusion(result: Callable[[Values, Values, Values, Values], Values]) -> Metric:
    """Return the metric that `result` makes of tp, tn, fp and fn at probability 0.5."""

    def metric(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
        positive, predicted = y == 1, p > 0.5
        cases = [
            positive & predicted,
            ~positive & ~predicted,
            ~positive & predicted,
            positive & ~predicted,
        ]
        return result(*(w @ np.stack(cases, axis=1).astype(np.float64)).T)

    return metric


def _balanced_accuracy(tp: Values, tn: Values, fp: Values, fn: Values) -> Values:
    return (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2


def _matthews(tp: Values, tn: Values, fp: Values, fn: Values) -> Values:
    return _ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def binary_crossentropy(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean negative log-likelihood in nats, with Keras's clipping of probabilities."""
    epsilon, one = np.float32(_EPSILON), np.float32(1)
    clipped = np.clip(p.astype(np.float32), epsilon, one - epsilon)
    of_label = np.where(y == 1, clipped, one - clipped)
    return _mean(-np.log(of_label + epsilon), w)


def sparse_categorical_accuracy(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Share of rows whose most probable class is the label."""
    return _mean(p.argmax(axis=1) == y, w)


def sparse_categorical_crossentropy(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean negative log-likelihood in nats, clipped and normalised as by Keras."""
    epsilon = np.float32(_EPSILON)
    clipped = np.clip(p.astype(np.float32), epsilon, np.float32(1) - epsilon)
    of_label = clipped[np.arange(len(y)), y]
    return _mean(np.log(clipped.sum(axis=1)) - np.log(of_label), w)


def mean_squared_error(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean of the squared errors."""
    return _mean((y - p) ** 2, w)


def root_mean_squared_error(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Root of the mean of the squared errors, in the label's units."""
    return np.sqrt(mean_squared_error(y, p, w))


def mean_absolute_error(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean of the absolute errors, in the label's units."""
    return _mean(np.abs(y - p), w)


def mean_absolute_percentage_error(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean of the absolute errors in per cent of the label; rows of label 0 are left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean(np.where(y == 0, np.nan, 100 * np.abs((y - p) / y)), w)


def mean_squared_logarithmic_error(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Mean of squared differences of ``log(1 + value)``; rows without a log are left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean((np.log(y + 1) - np.log(p + 1)) ** 2, w)


def squared_pearson_correlation(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Square of the correlation of labels and predictions."""
    p = p.astype(np.float64)
    n = w.sum(axis=1)
    sum_y, sum_p, yy, pp, yp = (w @ np.stack([y, p, y * y, p * p, y * p], axis=1)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return _ratio((yp - sum_y * sum_p / n) ** 2, (yy - sum_y**2 / n) * (pp - sum_p**2 / n))


def r2_score(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
    """Coefficient of determination: the share of the labels' variance that is explained."""
    n = w.sum(axis=1)
    sum_y, yy, residual = (w @ np.stack([y, y * y, (y - p) ** 2], axis=1)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - _ratio(residual, yy - sum_y**2 / n)


#: Vectorised metrics by their names in TFMA.
METRICS: dict[str, Metric] = {
    "ExampleCount": example_count,
    "AUC": auc,
    "AUCPrecisionRecall": auc_precision_recall,
    "BinaryAccuracy": _from_confusion(lambda tp, tn, fp, fn: _ratio(tp + tn, tp + tn + fp + fn)),
    "BalancedAccuracy": _from_confusion(_balanced_accuracy),
    "Precision": _from_confusion(lambda tp, tn, fp, fn: _ratio(tp, tp + fp)),
    "Recall": _from_confusion(lambda tp, tn, fp, fn: _ratio(tp, tp + fn)),
    "Specificity": _from_confusion(lambda tp, tn, fp, fn: _ratio(tn, tn + fp)),
    "FallOut": _from_confusion(lambda tp, tn, fp, fn: _ratio(fp, tn + fp)),
    "MissRate": _from_confusion(lambda tp, tn, fp, fn: _ratio(fn, tp + fn)),
    "F1Score": _from_confusion(lambda tp, tn, fp, fn: _ratio(2 * tp, 2 * tp + fp + fn)),
    "MatthewsCorrelationCoefficient": _from_confusion(_matthews),
    "BinaryCrossentropy": binary_crossentropy,
    "SparseCategoricalAccuracy": sparse_categorical_accuracy,
    "SparseCategoricalCrossentropy": sparse_categorical_crossentropy,
    "Calibration": calibration,
    "MeanLabel": mean_label,
    "MeanPrediction": mean_prediction,
    "MeanSquaredError": mean_squared_error,
    "RootMeanSquaredError": root_mean_squared_error,
    "MeanAbsoluteError": mean_absolute_error,
    "MeanAbsolutePercentageError": mean_absolute_percentage_error,
    "MeanSquaredLogarithmicError": mean_squared_logarithmic_error,
    "SquaredPearsonCorrelation": squared_pearson_correlation,
    "R2Score": r2_score,
}


def macro_average(metric: Metric) -> Metric:
    """Return the mean over the classes of `metric` for this class against the rest."""

    def average(y: np.ndarray, p: np.ndarray, w: Values) -> Values:
        classes = range(p.shape[1])
        return np.mean([metric((y == c).astype(np.int64), p[:, c], w) for c in classes], axis=0)

    return average


def vectorised(name: str, task: Task) -> Metric | None:
    """Return the metric `name` for `task`, or None if only TFMA computes it."""
    metric = METRICS.get(name)
    if metric is not None and task == MULTICLASS and METRIC_NAMES[name].of_two_classes:
        return macro_average(metric)
    return metric
