"""Partial dependence and the curves of single rows that it is the mean of.

Friedman, "Greedy Function Approximation" (2001, section 8.2); Goldstein, Kapelner, Bleich and
Pitkin, "Peeking Inside the Black Box" (2015): the curve of a row is what the model says of it
with other values of the feature (ICE); centred, it starts at 0 (section 3.2).
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans

from components.explainer import axes
from components.explainer.axes import Axis
from components.explainer.problem import Problem
from components.models.subject import Columns


def individual(problem: Problem, columns: Columns, axis: Axis, grid: np.ndarray) -> np.ndarray:
    """Return the curve of each row over the grid of a feature, [n, grid, outputs]."""
    return axes.at(problem, columns, [axis], grid[:, None]).transpose(1, 0, 2)


def joint(
    problem: Problem, columns: Columns, pair: tuple[Axis, Axis], grids: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Return the partial dependence on two features, [first grid, second grid, outputs]."""
    first, second = (values.ravel() for values in np.meshgrid(*grids, indexing="ij"))
    found = axes.at(problem, columns, pair, np.stack([first, second], axis=1)).mean(axis=1)
    return np.asarray(found.reshape(len(grids[0]), len(grids[1]), -1))


def interaction(surface: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return how far a joint dependence is from the sum of one of each feature.

    Parameters
    ----------
    surface : ndarray, shape [r, c]
    weights : ndarray, shape [r, c]
        Rows near each point; those without data do not count.

    Returns
    -------
    float, float
        The root of the weighted mean square of what is left of it when the weighted least
        squares fit of a function of the one plus a function of the other is taken away; and its
        share of the surface's own. The square of the latter is near Friedman and Popescu's H
        squared (2008, eq. 44), and equals it for a full grid.
    """
    weight = weights / weights.sum()
    r, c = surface.shape
    design = np.zeros((r, c, r + c))
    design[np.arange(r), :, np.arange(r)] = 1.0
    design[:, np.arange(c), r + np.arange(c)] = 1.0
    root = np.sqrt(weight.ravel())
    matrix = design.reshape(r * c, -1) * root[:, None]
    values = surface.ravel() * root
    left = values - matrix @ np.linalg.lstsq(matrix, values, rcond=None)[0]
    mean = float((surface * weight).sum())
    size = float(np.sqrt((left**2).sum()))
    total = float(np.sqrt((((surface - mean) ** 2) * weight).sum()))
    # What is left by rounding alone is nothing.
    if size <= 1e-9 * max(1.0, float(np.abs(surface).max())):
        return 0.0, 0.0
    return size, min(1.0, size / total)


def clusters(curves: np.ndarray, count: int, how: str, seed: int) -> np.ndarray:
    """Return the group of each curve, the largest group first.

    Parameters
    ----------
    curves : ndarray, shape [n, grid]
        Centred ones.
    count : int
        Groups, at most.
    how : {"agglomerative", "kmeans"}
    seed : int

    Returns
    -------
    ndarray of int, shape [n]
    """
    count = min(count, len(np.unique(curves.round(12), axis=0)))
    if count < 2:
        return np.zeros(len(curves), np.int64)
    if how == "kmeans":
        found = KMeans(count, n_init=5, random_state=seed).fit_predict(curves)
    else:
        found = AgglomerativeClustering(count).fit_predict(curves)
    sizes = np.bincount(found, minlength=count)
    rank = np.empty(count, np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return np.asarray(rank[found])
