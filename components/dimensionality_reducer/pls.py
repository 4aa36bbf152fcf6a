"""Partial least squares: directions that vary together with the targets."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cross_decomposition import PLSRegression

from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream

#: Bounds of the power iteration for each direction. scikit-learn's own tolerance leaves
#: three digits.
TOLERANCE, ITERATIONS = 1e-18, 20_000
#: Targets of which this share is left are explained: what remains is rounding.
EXPLAINED = 1e-10


def fit(rows: Rows, components: int, seed: int) -> Basis:
    """Fit with scikit-learn; the targets are centred and not scaled."""
    model = PLSRegression(components, scale=False, tol=TOLERANCE, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        # That the targets are explained before the last component shows in the weights.
        warnings.simplefilter("ignore")
        model.fit(rows.x, rows.targets)
    return _basis(np.asarray(model.x_rotations_), rows.statistics)


def fit_stream(stream: Stream, components: int, seed: int) -> Basis:
    """Fit from the exact covariances of columns and targets."""
    return _basis(_directions(stream.statistics, components), stream.statistics)


def most(statistics: Statistics) -> int:
    """Return the number of directions after which the targets are explained, or the rank."""
    return _directions(statistics, statistics.rank).shape[1]


def _directions(statistics: Statistics, components: int) -> np.ndarray:
    """Return the directions [f, c], or as many as there are.

    References
    ----------
    B. Dayal, J. MacGregor: Improved PLS algorithms. Journal of Chemometrics 11, 1997
    (the second of the two).
    """
    scatter, cross = statistics.scatter, statistics.cross.copy()
    width = len(scatter)
    directions, patterns = np.zeros((2, width, components))
    start = np.linalg.norm(cross)
    for number in range(components):
        if np.linalg.norm(cross) <= EXPLAINED * start:
            return directions[:, :number]
        left, _, _ = np.linalg.svd(cross, full_matrices=False)
        direction = left[:, 0]
        # Twice: once leaves the directions orthogonal to half of the digits only.
        for _ in range(2):
            direction = direction - directions[:, :number] @ (patterns[:, :number].T @ direction)
        squares = direction @ scatter @ direction
        directions[:, number] = direction
        patterns[:, number] = scatter @ direction / squares
        cross -= np.outer(patterns[:, number], direction @ cross)
    return directions


def _basis(weights: np.ndarray, statistics: Statistics) -> Basis:
    squares = np.einsum("fc,fg,gc->c", weights, statistics.scatter, weights, optimize=True)
    explained = ((weights.T @ statistics.cross) ** 2).sum(axis=1) / squares
    return Basis(
        weights,
        statistics.mean,
        weights.T,
        explained / np.trace(statistics.target_scatter),
        inverse=None,
    ).with_fixed_signs()
