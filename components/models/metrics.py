"""Metrics over many weightings of the same rows at once, as TFMA defines them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from components.models.metric_names import METRIC_NAMES, MULTICLASS, Task

Values = NDArray[np.float64]

_BUCKETS = 10_000
_EPSILON = 1e-7


@dataclass(frozen=True)
class Sample:
    """Rows and several weightings of them.

    Attributes
    ----------
    y : ndarray, shape [n]
        Labels: indices of classes, or numbers.
    p : ndarray, shape [n] or [n, classes]
        Predictions: numbers; of two classes the probability of the second, of more
        the probability of each.
    w : ndarray of float64, shape [n, replicates]
        Weights. A weight of two counts a row twice.
    """

    y: np.ndarray
    p: np.ndarray
    w: Values

    @cached_property
    def size(self) -> Values:
        """Sum of the weights, per replicate."""
        return self.w.sum(axis=0)

    @cached_property
    def confusion(self) -> Values:
        """True positives, true negatives, false positives and false negatives at 0.5."""
        positive, predicted = self.y == 1, self.p > 0.5
        cases = [
            positive & predicted,
            ~positive & ~predicted,
            ~positive & predicted,
            positive & ~predicted,
        ]
        return np.stack(cases).astype(np.float64) @ self.w

    @cached_property
    def counts_by_threshold(self) -> tuple[Values, Values]:
        """True and false positives at falling thresholds, starting with none.

        Thresholds between which no prediction lies are left out: they add no area.
        """
        scaled = (self.p.astype(np.float64) * _BUCKETS + 1).astype(np.int64)
        thresholds = _threshold_of_bucket()[np.clip(scaled, 0, _BUCKETS + 1)]
        order = np.argsort(-thresholds, kind="stable")
        starts = np.flatnonzero(np.diff(thresholds[order], prepend=-1))
        positive = (self.y[order] == 1)[:, None]
        weights = self.w[order]
        everything = np.cumsum(np.add.reduceat(weights, starts), axis=0)
        weights *= positive
        true = np.cumsum(np.add.reduceat(weights, starts), axis=0)
        none = np.zeros((1, self.w.shape[1]))
        return np.concatenate([none, true]), np.concatenate([none, everything - true])

    def mean(self, values: np.ndarray) -> Values:
        """Return the weighted mean of the rows' values, without those that are no number."""
        known = ~np.isnan(values)
        if known.all():
            return _ratio(values.astype(np.float64) @ self.w, self.size)
        w = self.w[known]
        return _ratio(values[known].astype(np.float64) @ w, w.sum(axis=0))


#: A metric returns one value per replicate.
Metric = Callable[[Sample], Values]


def _ratio(numerator: Values, denominator: Values) -> Values:
    """Divide where the denominator is positive; elsewhere not a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


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


def example_count(s: Sample) -> Values:
    """Number of rows."""
    return s.size


def mean_label(s: Sample) -> Values:
    """Mean of the labels."""
    return s.mean(s.y)


def mean_prediction(s: Sample) -> Values:
    """Mean of the predictions."""
    return s.mean(s.p)


def calibration(s: Sample) -> Values:
    """Sum of the predictions over the sum of the labels; 1 is calibrated on average."""
    labels = s.y.astype(np.float64) @ s.w
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isclose(labels, 0), np.nan, s.p.astype(np.float64) @ s.w / labels)


def auc(s: Sample) -> Values:
    """Area under the ROC curve; 0 if one of the classes is absent, as in TFMA."""
    tp, fp = s.counts_by_threshold
    # Trapezia in counts, then scaled once: n x replicates divisions fewer.
    area = (np.diff(fp, axis=0) * (tp[1:] + tp[:-1])).sum(axis=0) / 2
    return np.nan_to_num(_ratio(area, tp[-1] * fp[-1]))


def auc_precision_recall(s: Sample) -> Values:
    """Area under the precision-recall curve, interpolated as by Davis & Goadrich (2006)."""
    tp, fp = s.counts_by_threshold
    above = tp + fp
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = np.diff(tp, axis=0)
        slope = rise / np.diff(above, axis=0)
        intercept = tp[:-1] - slope * above[:-1]
        growth = np.where(above[:-1] != 0, above[1:] / above[:-1], 1.0)
        area = slope * (rise + intercept * np.log(growth)) / tp[-1]
    return np.nansum(area, axis=0)


def _from_confusion(result: Callable[[Values, Values, Values, Values], Values]) -> Metric:
    """Return the metric that `result` makes of tp, tn, fp and fn at probability 0.5."""
    return lambda s: result(*s.confusion)


def _balanced_accuracy(tp: Values, tn: Values, fp: Values, fn: Values) -> Values:
    return (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2


def _matthews(tp: Values, tn: Values, fp: Values, fn: Values) -> Values:
    return _ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def binary_crossentropy(s: Sample) -> Values:
    """Mean negative log-likelihood in nats, with Keras's clipping of probabilities."""
    epsilon, one = np.float32(_EPSILON), np.float32(1)
    clipped = np.clip(s.p.astype(np.float32), epsilon, one - epsilon)
    of_label = np.where(s.y == 1, clipped, one - clipped)
    return s.mean(-np.log(of_label + epsilon))


def sparse_categorical_accuracy(s: Sample) -> Values:
    """Share of rows whose most probable class is the label."""
    return s.mean(s.p.argmax(axis=1) == s.y)


def sparse_categorical_crossentropy(s: Sample) -> Values:
    """Mean negative log-likelihood in nats, clipped and normalised as by Keras."""
    epsilon = np.float32(_EPSILON)
    clipped = np.clip(s.p.astype(np.float32), epsilon, np.float32(1) - epsilon)
    of_label = clipped[np.arange(len(s.y)), s.y]
    return s.mean(np.log(clipped.sum(axis=1)) - np.log(of_label))


def mean_squared_error(s: Sample) -> Values:
    """Mean of the squared errors."""
    return s.mean((s.y - s.p) ** 2)


def root_mean_squared_error(s: Sample) -> Values:
    """Root of the mean of the squared errors, in the label's units."""
    return np.sqrt(mean_squared_error(s))


def mean_absolute_error(s: Sample) -> Values:
    """Mean of the absolute errors, in the label's units."""
    return s.mean(np.abs(s.y - s.p))


def mean_absolute_percentage_error(s: Sample) -> Values:
    """Mean of the absolute errors in per cent of the label; rows of label 0 are left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return s.mean(np.where(s.y == 0, np.nan, 100 * np.abs((s.y - s.p) / s.y)))


def mean_squared_logarithmic_error(s: Sample) -> Values:
    """Mean of squared differences of ``log(1 + value)``; rows without a log are left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return s.mean((np.log(s.y + 1) - np.log(s.p + 1)) ** 2)


def squared_pearson_correlation(s: Sample) -> Values:
    """Square of the correlation of labels and predictions."""
    y, p, n = s.y, s.p.astype(np.float64), s.size
    sum_y, sum_p, yy, pp, yp = np.stack([y, p, y * y, p * p, y * p]) @ s.w
    with np.errstate(divide="ignore", invalid="ignore"):
        return _ratio((yp - sum_y * sum_p / n) ** 2, (yy - sum_y**2 / n) * (pp - sum_p**2 / n))


def r2_score(s: Sample) -> Values:
    """Coefficient of determination: the share of the labels' variance that is explained."""
    sum_y, yy, residual = np.stack([s.y, s.y * s.y, (s.y - s.p) ** 2]) @ s.w
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - _ratio(residual, yy - sum_y**2 / s.size)


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

    def average(s: Sample) -> Values:
        classes = range(s.p.shape[1])
        return np.mean(
            [metric(Sample((s.y == c).astype(np.int64), s.p[:, c], s.w)) for c in classes], axis=0
        )

    return average


def vectorised(name: str, task: Task) -> Metric | None:
    """Return the metric `name` for `task`, or None if only TFMA computes it."""
    metric = METRICS.get(name)
    if metric is not None and task == MULTICLASS and METRIC_NAMES[name].of_two_classes:
        return macro_average(metric)
    return metric
