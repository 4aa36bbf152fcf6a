"""A classifier that tries to tell current rows from those of the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.drift_monitor.feature_drift.encoding import Points

#: Rows of each side, at most.
ROWS = 1000
#: Rows that each side must have.
LEAST_ROWS = 10
#: AUC from which on it counts by default.
SMALL = 0.55
#: Numeric features whose products are seen: they tell a change of spread and of correlation.
PRODUCTS_OF = 20
#: Of the penalty, against one observation.
RIDGE = 10.0


@dataclass(frozen=True)
class Separation:
    """How well the rows were told apart.

    Attributes
    ----------
    auc : float
        Mean over both folds of the area under the ROC curve of rows that were not fitted: 0.5
        where they cannot be told apart.
    p_value : float
    features : list of (str, float)
        By how much the AUC falls when a feature's values are shuffled, the greatest first; those
        for which it does not fall are left out.
    """

    auc: float
    p_value: float
    features: list[tuple[str, float]]


def separate(points: Points, n: int, m: int, *, seed: int) -> Separation:
    """Fit a penalised linear classifier on each half of the rows and try it on the other.

    It sees all coordinates, and the squares and products of those of numeric features. As a row
    tried was not fitted, the p value of a half is that of Mann and Whitney's test of its scores
    (one-sided, normal approximation); that of both is twice the smaller one (Bonferroni), whatever
    their dependence.

    Parameters
    ----------
    points : dict of str to ndarray of float64, shape [n + m, w]
        As `encoding.encode` returns them.
    n, m : int
        Rows of the reference, and current ones; at least `LEAST_ROWS` each.
    seed : int

    Returns
    -------
    Separation

    References
    ----------
    D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    rng = np.random.default_rng(seed)
    is_current = np.arange(n + m) >= n
    half = np.concatenate([rng.permutation(n) % 2, rng.permutation(m) % 2])
    shuffled = rng.permutation(n + m)
    products = [name for name, p in points.items() if not _is_one_hot(p)][:PRODUCTS_OF]
    areas, p_values = [], []
    falls = dict.fromkeys(points, 0.0)
    design = _design(points, products)
    fits = []
    for fold in (0, 1):
        tried = half == fold
        weights = _fit(design[~tried], is_current[~tried])
        scores = design[tried] @ weights
        area, p_value = _mann_whitney(scores, is_current[tried])
        areas.append(area)
        p_values.append(p_value)
        fits.append((tried, weights, area))
    for name in points:
        moved = {**points, name: points[name][shuffled]}
        other = _design(moved, products)
        for tried, weights, area in fits:
            falls[name] += (area - _mann_whitney(other[tried] @ weights, is_current[tried])[0]) / 2
    ranked = sorted(falls.items(), key=lambda item: -item[1])
    return Separation(
        float(np.mean(areas)),
        min(1.0, 2 * min(p_values)),
        [(name, fall) for name, fall in ranked if fall > 0],
    )


def _is_one_hot(coordinates: NDArray[np.float64]) -> bool:
    return bool(((coordinates == 0) | (coordinates == 1)).all())


def _design(points: Points, products: list[str]) -> NDArray[np.float64]:
    parts = list(points.values())
    if products:
        numbers = np.stack([points[name][:, 0] for name in products], axis=1)
        i, j = np.triu_indices(len(products))
        parts.append(numbers[:, i] * numbers[:, j])
    return np.concatenate(parts, axis=1)


def _fit(design: NDArray[np.float64], is_current: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the weights of ridge regression on the side, whose scores rank rows."""
    mean, deviation = design.mean(axis=0), design.std(axis=0)
    scale = np.where(deviation > 1e-9, deviation, np.inf)
    x = (design - mean) / scale
    y = is_current - is_current.mean()
    gram = x.T @ x + RIDGE * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, x.T @ y) / scale)


def _mann_whitney(
    scores: NDArray[np.float64], is_current: NDArray[np.bool_]
) -> tuple[float, float]:
    # Equal rows must get equal scores.
    ranks = stats.rankdata(scores.round(9))
    m = int(is_current.sum())
    n = len(scores) - m
    area = (ranks[is_current].sum() - m * (m + 1) / 2) / (n * m)
    # The variance under permutation, with ties as they are.
    deviation = np.sqrt(ranks.var(ddof=1) / ((n + m) * n * m))
    if deviation == 0:
        return 0.5, 1.0
    return float(area), float(stats.norm.sf((area - 0.5) / deviation))
