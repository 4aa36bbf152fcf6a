"""The Pareto front: the points that are not worse than another in every respect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.errors import InputError


def front(points: NDArray[np.floating], larger_is_better: Sequence[bool]) -> NDArray[np.bool_]:
    """Return which points no other point dominates.

    A point dominates another if it is at least as good in every objective and better in one.
    Equal points do not dominate each other: either all of them are on the front or none is.
    It compares all pairs, O(n^2 k) in time and O(n^2) in memory.

    Parameters
    ----------
    points : array [n, k]
        Objectives of each point. A point with a NaN is not on the front and dominates none.
    larger_is_better : sequence of k bool

    Returns
    -------
    array [n] of bool

    Raises
    ------
    InputError
        The directions do not fit the points.

    Examples
    --------
    Quality, of which there should be much, against size:

    >>> front(np.array([[0.9, 100.0], [0.8, 10.0], [0.8, 20.0]]), [True, False])
    array([ True,  True, False])
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != len(larger_is_better):
        raise InputError(
            "The objectives and their directions do not fit.",
            expected=f"points of {len(larger_is_better)} objectives",
            got=f"shape {list(points.shape)}",
        )
    known = ~np.isnan(points).any(axis=1)
    gains = points[known] * np.where(larger_is_better, 1.0, -1.0)
    count = len(gains)
    at_least = np.ones((count, count), dtype=np.bool_)
    better = np.zeros((count, count), dtype=np.bool_)
    for column in gains.T:
        at_least &= column[:, None] >= column
        better |= column[:, None] > column
    result = np.zeros(len(points), dtype=np.bool_)
    result[known] = ~(at_least & better).any(axis=0)
    return result
