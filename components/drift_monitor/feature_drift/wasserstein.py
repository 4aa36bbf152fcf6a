"""Wasserstein distance of two samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.feature_drift.base import Comparison, Measure
from components.drift_monitor.feature_drift.pair import Pair, exceedance, shuffled

#: Cells that all values are cut into for the p value.
CELLS = 100


def wasserstein(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the area between the distribution functions, in the unit of the values.

    Parameters
    ----------
    x, y : ndarray of float64, shape [n] and [m]
        Sorted values.

    Examples
    --------
    >>> wasserstein(np.array([0.0, 1.0]), np.array([3.0, 4.0]))
    3.0
    """
    values = np.sort(np.concatenate([x, y]), kind="stable")
    ahead = values[:-1]
    apart = np.searchsorted(x, ahead, side="right") / len(x)
    apart = apart - np.searchsorted(y, ahead, side="right") / len(y)
    return float((np.abs(apart) * np.diff(values)).sum())


def _compare(pair: Pair) -> Comparison | None:
    x, y = pair.reference_values, pair.current_values
    if not len(x) or not len(y):
        return None
    distance = wasserstein(x, y) / pair.scale
    # The p value is that of the distance over cells, which are those of both samples together and
    # so do not tell them apart.
    values = np.sort(np.concatenate([x, y]))
    ends = np.unique(values[np.linspace(0, len(values) - 1, CELLS + 1).astype(int)])
    counts = [np.diff(np.searchsorted(s, ends, side="right"), prepend=0) for s in (x, y)]
    gaps = np.diff(ends)

    def over_cells(reference: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
        apart = np.cumsum(reference, axis=-1) / len(x) - np.cumsum(current, axis=-1) / len(y)
        return np.asarray((np.abs(apart[..., :-1]) * gaps).sum(axis=-1))

    by_chance = over_cells(*shuffled(counts[0], counts[1], pair.resamples, pair.seed))
    return Comparison(distance, distance, exceedance(float(over_cells(*counts)), by_chance))


# In standard deviations of the reference.
MEASURE = Measure("wasserstein", 0.1, _compare, numeric_only=True)
