"""Deletion and insertion: what the model says as the features that count go, and come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: Of the interval of a mean, in standard errors.
_WIDTH = 1.96


def curves(
    order: np.ndarray, steps: int, ask: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the model says as features go, and as they come, in an order.

    Parameters
    ----------
    order : ndarray of int, shape [r, features]
        Features of each row, the one that counts most first.
    steps : int
        Points of a curve but the first, at most.
    ask : callable
        What is there, bool [r, points, features], to what the model then says, [r, points].

    Returns
    -------
    shares : ndarray, shape [points]
        Share of the features that have gone, or come.
    deletion, insertion : ndarray, shape [r, points]

    Notes
    -----
    Petsiuk, Das and Saenko 2018, section 3.2.
    """
    features = order.shape[1]
    counts = np.unique(np.round(np.linspace(0, features, min(steps, features) + 1)).astype(int))
    places = np.argsort(order, axis=1)
    come = places[:, None, :] < counts[None, :, None]
    return counts / features, ask(~come), ask(come)


def scored(shares: np.ndarray, deletion: np.ndarray, insertion: np.ndarray) -> dict[str, Any]:
    """Return curves on one scale, and the areas below them.

    Parameters
    ----------
    shares : ndarray, shape [points]
    deletion, insertion : ndarray, shape [r, points]
        As of `curves`: they begin and end with all features there, and none.

    Returns
    -------
    dict
        ``deletion`` and ``insertion``, mean curves from 1, the whole change from no feature to all,
        to 0, and from 0 to 1; ``deletion_area`` (less is better) and ``insertion_area`` (more is);
        and ``gains`` [r], the latter less the former of each row.
    """
    none, every = insertion[:, :1], insertion[:, -1:]
    sign = np.where(every >= none, 1.0, -1.0)
    whole = float(np.abs(every - none).mean())
    whole = whole if whole > 0 else 1.0
    gone, come = sign * (deletion - none) / whole, sign * (insertion - none) / whole
    areas = np.trapezoid(gone, shares, axis=1), np.trapezoid(come, shares, axis=1)
    return {
        "deletion": gone.mean(axis=0).tolist(),
        "insertion": come.mean(axis=0).tolist(),
        "deletion_area": float(areas[0].mean()),
        "insertion_area": float(areas[1].mean()),
        "gains": areas[1] - areas[0],
    }


def interval(gains: np.ndarray, chance: np.ndarray) -> list[float] | None:
    """Return the 95 % interval of the mean difference of paired gains, or None of one row."""
    difference = gains - chance
    if len(difference) < 2:
        return None
    half = _WIDTH * difference.std(ddof=1) / np.sqrt(len(difference))
    return [float(difference.mean() - half), float(difference.mean() + half)]
