"""Principal component analysis."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream


def fit(rows: Rows, components: int, seed: int) -> Basis:
    """Fit with scikit-learn, by the exact decomposition that is cheaper."""
    tall = rows.x.shape[0] >= rows.x.shape[1]
    model = PCA(components, svd_solver="covariance_eigh" if tall else "full").fit(rows.x)
    return _basis(model.components_, model.mean_, model.explained_variance_ratio_)


def fit_stream(stream: Stream, components: int, seed: int) -> Basis:
    """Fit from the exact covariance."""
    return from_statistics(stream.statistics, components)


def from_statistics(statistics: Statistics, components: int) -> Basis:
    """Return the eigenvectors of the covariance with the largest eigenvalues."""
    values, vectors = statistics.eigen
    return _basis(vectors[:components], statistics.mean, values[:components] / values.sum())


def shares(statistics: Statistics) -> np.ndarray:
    """Return the share of the variance of each component that there is."""
    values, _ = statistics.eigen
    return values[: statistics.rank] / values.sum()


def _basis(vectors: np.ndarray, mean: np.ndarray, scores: np.ndarray) -> Basis:
    return Basis(vectors.T, mean, vectors, scores, inverse=vectors).with_fixed_signs()
