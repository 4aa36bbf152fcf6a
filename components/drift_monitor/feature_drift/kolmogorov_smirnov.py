"""Kolmogorov-Smirnov test of two samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.drift_monitor.feature_drift.base import Comparison, Measure
from components.drift_monitor.feature_drift.pair import Pair

#: Rows of the smaller sample below which the p value is exact.
SMALL_SAMPLE = 30


def kolmogorov_smirnov(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the largest difference of the distribution functions, and its p value.

    The p value is that of one sample of n m / (n + m) rows, or the exact one of a small sample. It
    is too great where there are ties.

    Parameters
    ----------
    x, y : ndarray of float64, shape [n] and [m]
        Sorted values.

    Examples
    --------
    >>> kolmogorov_smirnov(np.arange(4.0), np.arange(4.0))
    (0.0, 1.0)
    """
    n, m = len(x), len(y)
    apart = 0.0
    # The difference is extreme at a value of the smaller sample, or just ahead of one.
    few, many = (x, y) if n <= m else (y, x)
    for side in ("left", "right"):
        own = np.searchsorted(few, few, side=side) / len(few)  # type: ignore[call-overload]
        other = np.searchsorted(many, few, side=side) / len(many)  # type: ignore[call-overload]
        apart = max(apart, float(np.abs(own - other).max()))
    if n < SMALL_SAMPLE or m < SMALL_SAMPLE:
        return apart, float(stats.ks_2samp(x, y, method="auto").pvalue)
    effective = round(n * m / (n + m))
    return apart, float(np.clip(stats.kstwo.sf(apart, effective), 0.0, 1.0))


def _compare(pair: Pair) -> Comparison | None:
    if not len(pair.reference_values) or not len(pair.current_values):
        return None
    apart, p_value = kolmogorov_smirnov(pair.reference_values, pair.current_values)
    return Comparison(apart, apart, p_value)


MEASURE = Measure("kolmogorov_smirnov", 0.05, _compare, numeric_only=True)
