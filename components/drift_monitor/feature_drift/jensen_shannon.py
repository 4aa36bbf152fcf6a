"""Jensen-Shannon divergence."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from components.drift_monitor.feature_drift.base import Measure, by_shuffling


def jensen_shannon(reference: NDArray[Any], current: NDArray[Any]) -> NDArray[np.float64]:
    """Return the divergence of two distributions in bits, 0 to 1.

    It is the mean of the Kullback-Leibler divergences of both from their mean, to base 2; a share
    of 0 adds nothing. TensorFlow Data Validation does the same over its own histogram: here the
    cells are those of the reference's quantiles, and a missing value has a cell.

    Parameters
    ----------
    reference, current : ndarray, shape [..., k]
        Counts.

    Returns
    -------
    ndarray of float64, shape [...]

    Examples
    --------
    >>> float(jensen_shannon(np.array([4, 0]), np.array([0, 7])))
    1.0
    """
    p = reference / reference.sum(axis=-1, keepdims=True)
    q = current / current.sum(axis=-1, keepdims=True)
    mean = (p + q) / 2
    nats = (xlogy(p, p) + xlogy(q, q)) / 2 - xlogy(mean, mean)
    return np.asarray(np.maximum(nats.sum(axis=-1) / np.log(2), 0.0))


# About a shift of the mean by a sixth of the standard deviation.
MEASURE = Measure("jensen_shannon", 0.005, partial(by_shuffling, jensen_shannon))
