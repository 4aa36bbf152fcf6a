"""Maximum mean discrepancy of two samples of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from components.drift_monitor.feature_drift.pair import exceedance

#: Rows of each side, at most: time and memory grow with their square.
ROWS = 500


def mmd(
    x: NDArray[np.float64], y: NDArray[np.float64], *, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the squared discrepancy and its p value by permutation.

    The kernel is a Gaussian one whose width is the median distance of all rows. The estimate is
    unbiased (eq. 3 of the paper), and so may be negative.

    Parameters
    ----------
    x, y : ndarray of float64, shape [n, d] and [m, d]
        At least two rows each.
    resamples : int
    seed : int

    Returns
    -------
    squared, p_value : float

    References
    ----------
    A. Gretton et al., "A kernel two-sample test", JMLR 13, 2012.
    """
    n, m = len(x), len(y)
    squared = pdist(np.concatenate([x, y]), "sqeuclidean")
    apart = squared[squared > 0]
    if not len(apart):
        return 0.0, 1.0
    kernel = squareform(np.exp(-squared / np.median(apart)))
    rng = np.random.default_rng(seed)
    first = np.zeros((n + m, resamples + 1))
    first[:n] = 1.0
    first[:, 1:] = rng.permuted(first[:, 1:], axis=0)
    # The diagonal is 0, so that no row meets itself.
    sums = kernel @ first
    within = (first * sums).sum(axis=0)
    between = sums.sum(axis=0) - within
    rest = kernel.sum() - within - 2 * between
    found = within / (n * (n - 1)) + rest / (m * (m - 1)) - 2 * between / (n * m)
    return float(found[0]), exceedance(float(found[0]), found[1:])
