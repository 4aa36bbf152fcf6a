"""P values adjusted for how many they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def adjust(p_values: ArrayLike, method: str) -> NDArray[np.float64]:
    """Return adjusted p values.

    Parameters
    ----------
    p_values : array, shape [t]
    method : {"benjamini_hochberg", "holm", "bonferroni"}

    Examples
    --------
    >>> adjust([0.01, 0.04, 0.03], "holm").round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    if not len(p):
        return p
    if method == "benjamini_hochberg":
        return np.asarray(stats.false_discovery_control(p))
    if method == "bonferroni":
        return np.minimum(p * len(p), 1.0)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted
