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
