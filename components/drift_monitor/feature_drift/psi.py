"""Population stability index."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.feature_drift.base import Measure, by_shuffling


def psi(reference: NDArray[Any], current: NDArray[Any]) -> NDArray[np.float64]:
    """Return the population stability index, sum of (q - p) ln(q / p), 0 or more.

    So that no share is 0, half a row is added to every cell that has a row on either side. By
    custom less than 0.1 is no change, and more than 0.25 a great one.

    Parameters
    ----------
    reference, current : ndarray, shape [..., k]
        Counts.

    Returns
    -------
    ndarray of float64, shape [...]

    Examples
    --------
    >>> round(float(psi(np.array([500, 500]), np.array([800, 200]))), 3)
    0.415
    """
    there = (reference + current) > 0
    p, q = reference + 0.5 * there, current + 0.5 * there
    p = p / p.sum(axis=-1, keepdims=True)
    q = q / q.sum(axis=-1, keepdims=True)
    ratio = np.where(there, q, 1.0) / np.where(there, p, 1.0)
    return np.asarray(((q - p) * np.log(ratio)).sum(axis=-1))


MEASURE = Measure("psi", 0.1, partial(by_shuffling, psi))
