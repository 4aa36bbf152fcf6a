"""An order of categories, in which those come together whose rows are alike otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from components.explainer.axes import Axis


def order(
    codes: np.ndarray, others: Mapping[str, tuple[Axis, np.ndarray]], count: int
) -> np.ndarray:
    """Return the categories in the order of a one-dimensional scaling of their distances.

    Apley and Zhu (2020, appendix E): the distance of two categories is the sum over the other
    features of the Kolmogorov-Smirnov distance of their distributions, or of half their absolute
    difference for categories; classical scaling (Torgerson) puts it on a line.

    Parameters
    ----------
    codes : ndarray, shape [n]
        Category of each row, 0 to `count` - 1.
    others : mapping of str to (Axis, ndarray [n])
        The other features, with their coordinates.
    count : int

    Returns
    -------
    ndarray of int, shape [count]
        The end at which the most frequent category is nearer comes first.
    """
    codes = codes.astype(np.int64)
    distances = np.zeros((count, count))
    for axis, values in others.values():
        shares = _cumulated(codes, values, count) if axis.numeric else _shares(codes, values, count)
        apart = np.abs(shares[:, None] - shares[None])
        distances += apart.max(axis=2) if axis.numeric else apart.sum(axis=2) / 2
    centred = np.eye(count) - 1 / count
    _, vectors = np.linalg.eigh(-centred @ distances**2 @ centred / 2)
    line = vectors[:, -1].round(9)
    if line[0] > 0:
        line = -line
    return np.lexsort((np.arange(count), line))


def _shares(codes: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the distribution of another category within each, [count, values]."""
    kinds, places = np.unique(values, return_inverse=True)
    table = np.zeros((count, len(kinds)))
    np.add.at(table, (codes, places), 1)
    return np.asarray(table / np.maximum(table.sum(axis=1, keepdims=True), 1))


def _cumulated(codes: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the cumulated distribution of a number within each category, [count, values]."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros((count, 1))
    return _shares(codes[known], values[known], count).cumsum(axis=1)
