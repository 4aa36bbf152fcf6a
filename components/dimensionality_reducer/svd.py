"""Truncated singular value decomposition: principal directions without centring."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from sklearn.decomposition import TruncatedSVD

from components.dimensionality_reducer.basis import RANK_TOLERANCE, Basis, Rows, Statistics, Stream

#: Power iterations where all singular vectors are wanted, which ARPACK cannot give.
POWER_ITERATIONS = 20


def fit(rows: Rows, components: int, seed: int) -> Basis:
    """Fit with scikit-learn."""
    if rows.x.shape[1] == 1:  # which scikit-learn refuses
        return _basis(np.ones((1, 1)), rows.statistics)
    algorithm = "arpack" if components < min(rows.x.shape) else "randomized"
    model = TruncatedSVD(
        components, algorithm=algorithm, n_iter=POWER_ITERATIONS, random_state=seed
    ).fit(rows.x)
    return _basis(model.components_, rows.statistics)


def fit_stream(stream: Stream, components: int, seed: int) -> Basis:
    """Fit from the exact second moments."""
    vectors = _vectors(stream.statistics)
    return _basis(vectors[:components], stream.statistics)


def most(statistics: Statistics) -> int:
    """Return the rank of the columns as they are, not centred."""
    return len(_vectors(statistics))


def shares(statistics: Statistics) -> np.ndarray:
    """Return the share of the variance of each component that there is."""
    return _basis(_vectors(statistics), statistics).scores


def _vectors(statistics: Statistics) -> np.ndarray:
    values, vectors = scipy.linalg.eigh(statistics.second_moments)
    there = values[::-1] > RANK_TOLERANCE * values[-1]
    return vectors.T[::-1][there]


def _basis(vectors: np.ndarray, statistics: Statistics) -> Basis:
    variances = np.einsum("cf,fg,cg->c", vectors, statistics.scatter, vectors, optimize=True)
    return Basis(
        vectors.T,
        np.zeros(vectors.shape[1]),
        vectors,
        variances / np.trace(statistics.scatter),
        inverse=vectors,
    ).with_fixed_signs()
