"""Shapley values of linear models, in closed form."""

from __future__ import annotations

import numpy as np


def values(weights: np.ndarray, rows: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return Shapley values of a model that is a weighted sum of its columns.

    Parameters
    ----------
    weights : ndarray, shape [columns] or [columns, outputs]
    rows, background : ndarray, shape [n, columns] and [m, columns]

    Returns
    -------
    ndarray, shape [n, columns, outputs]
        ``weights * (row - mean of the background)``: Lundberg and Lee (2017, corollary 1). It
        holds for columns that depend on each other too, as absent ones are replaced without
        regard to those that are there (Janzing, Minorics and Blöbaum 2020).

    Examples
    --------
    >>> background = np.array([[1.0, 1.0], [0.0, 3.0]])
    >>> values(np.array([2.0, -1.0]), np.array([[3.0, 1.0]]), background)[0, :, 0]
    array([5., 1.])
    """
    weights = weights.reshape(len(weights), -1)
    moved = rows - background.mean(axis=0)
    return np.asarray(moved[:, :, np.newaxis] * weights)
