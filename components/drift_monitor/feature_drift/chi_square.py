"""Chi-square test of homogeneity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.drift_monitor.feature_drift.base import Comparison, Measure
from components.drift_monitor.feature_drift.pair import Pair

#: Rows that must be expected in each cell.
LEAST_EXPECTED = 5


def chi_square(reference: NDArray[Any], current: NDArray[Any]) -> tuple[float, float]:
    """Return Pearson's chi-square and its p value.

    Cells in which fewer than `LEAST_EXPECTED` rows are expected on either side become one; if that
    has too few as well, the rarest of the others joins it.

    Parameters
    ----------
    reference, current : ndarray of int, shape [k]
        Counts; a missing value is a value.

    Examples
    --------
    >>> statistic, p_value = chi_square(np.array([50, 50]), np.array([30, 70]))
    >>> round(statistic, 3), round(p_value, 4)
    (8.333, 0.0039)
    """
    table = np.stack([reference, current]).astype(np.float64)
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    sizes = table.sum(axis=1, keepdims=True)
    least = LEAST_EXPECTED * sizes.sum() / sizes.min()
    pooled = table.sum(axis=0)
    rare = int((pooled < least).sum())
    if rare and pooled[:rare].sum() < least:
        rare += 1
    rest = table[:, rare:]
    if rare:
        rest = np.append(table[:, :rare].sum(axis=1, keepdims=True), rest, axis=1)
    if rest.shape[1] < 2:
        return 0.0, 1.0
    expected = sizes * rest.sum(axis=0) / sizes.sum()
    statistic = float(((rest - expected) ** 2 / expected).sum())
    return statistic, float(stats.chi2.sf(statistic, rest.shape[1] - 1))


def _compare(pair: Pair) -> Comparison:
    statistic, p_value = chi_square(pair.reference, pair.current)
    inverse = 1 / pair.reference.sum() + 1 / pair.current.sum()
    # Cohen's w between the two distributions.
    return Comparison(statistic, float(np.sqrt(statistic * inverse)), p_value)


MEASURE = Measure("chi_square", 0.1, _compare)
