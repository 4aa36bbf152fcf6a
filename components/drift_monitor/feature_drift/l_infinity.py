"""The largest difference of shares."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.feature_drift.base import Measure, by_shuffling


def l_infinity(reference: NDArray[Any], current: NDArray[Any]) -> NDArray[np.float64]:
    """Return the largest difference of shares of a cell, 0 to 1.

    As in TensorFlow Data Validation, but that a missing value is a value.

    Parameters
    ----------
    reference, current : ndarray, shape [..., k]
        Counts.

    Returns
    -------
    ndarray of float64, shape [...]

    Examples
    --------
    >>> float(l_infinity(np.array([5, 5]), np.array([9, 1])))
    0.4
    """
    apart = reference / reference.sum(axis=-1, keepdims=True)
    apart = apart - current / current.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(apart).max(axis=-1))


MEASURE = Measure("l_infinity", 0.05, partial(by_shuffling, l_infinity))
