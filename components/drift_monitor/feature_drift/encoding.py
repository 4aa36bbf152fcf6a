"""Rows of mixed columns as points, for the tests of all features together."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Values of a categorical feature that get a coordinate; all others share the origin.
VALUES = 10
#: Deviations from the mean beyond which a number is cut off.
FARTHEST = 5.0

Points = dict[str, NDArray[np.float64]]


def encode(
    reference: dict[str, NDArray[Any]], current: dict[str, NDArray[Any]], rows: int, seed: int
) -> tuple[Points, int, int]:
    """Return the coordinates of some rows of both sides, by feature.

    Numbers are standardised over both sides together, so that the coordinates do not tell the
    sides apart; a missing number is at the mean, and has a coordinate of its own.

    Parameters
    ----------
    reference, current : dict of str to ndarray
        Cleaned columns of the same names and kinds.
    rows : int
        Rows of each side, at most.
    seed : int
        By which they are drawn.

    Returns
    -------
    points : dict of str to ndarray of float64, shape [n + m, w]
        The reference's rows come first. Features of one value are left out.
    n, m : int
    """
    rng = np.random.default_rng(seed)
    n_all, m_all = (len(next(iter(side.values()))) for side in (reference, current))
    n, m = min(n_all, rows), min(m_all, rows)
    chosen = rng.choice(n_all, n, replace=False), rng.choice(m_all, m, replace=False)
    points = {}
    for name, column in reference.items():
        both = np.concatenate([column[chosen[0]], current[name][chosen[1]]])
        coordinates = _one_hot(both) if both.dtype == object else _standardised(both)
        if coordinates.shape[1]:
            points[name] = coordinates
    return points, n, m


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = np.isnan(values)
    found = []
    if not missing.all():
        deviation = values[~missing].std()
        if deviation > 0:
            z = (values - values[~missing].mean()) / deviation
            found.append(np.where(missing, 0.0, np.clip(z, -FARTHEST, FARTHEST)))
        if missing.any():
            found.append(missing.astype(np.float64))
    return np.stack(found, axis=1) if found else np.empty((len(values), 0))


def _one_hot(values: NDArray[Any]) -> NDArray[np.float64]:
    frequent = sorted(Counter(values.tolist()).items(), key=lambda item: (-item[1], item[0]))
    if len(frequent) < 2:
        return np.empty((len(values), 0))
    hits = [values == value for value, _ in frequent[:VALUES]]
    return np.stack(hits, axis=1).astype(np.float64)
