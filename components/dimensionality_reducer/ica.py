"""Independent component analysis."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from components.dimensionality_reducer.basis import Basis, Rows, Stream

#: Bounds of the fixed-point iteration.
TOLERANCE, ITERATIONS = 1e-6, 1000


def fit(rows: Rows, components: int, seed: int) -> Basis:
    """Fit with scikit-learn.

    The components have unit variance, and come in the order of the variance that they
    give to the columns.
    """
    model = FastICA(
        components,
        whiten="unit-variance",
        # The exact covariance is there already, and its eigenvectors are cheaper.
        whiten_solver="eigh" if rows.x.shape[0] >= rows.x.shape[1] else "svd",
        tol=TOLERANCE,
        max_iter=ITERATIONS,
        random_state=seed,
    )
    notes = _fit(model, rows.x)
    return _basis(model.components_.T, model.mean_, model.mixing_, rows.statistics.scatter, notes)


def fit_stream(stream: Stream, components: int, seed: int) -> Basis:
    """Whiten by the exact covariance, and turn by what a sample of the rows says.

    The rotation has c (c - 1) / 2 degrees of freedom, for which a sample is enough.
    """
    statistics = stream.statistics
    values, vectors = (part[:components] for part in statistics.eigen)
    # Divisor n, as FastICA's unit variance has it.
    deviations = np.sqrt(values * (statistics.count - 1) / statistics.count)
    whitening = vectors.T / deviations
    model = FastICA(components, whiten=False, tol=TOLERANCE, max_iter=ITERATIONS, random_state=seed)
    notes = _fit(model, (stream.rows(stream.sample) - statistics.mean) @ whitening)
    turn = model.components_
    mixing = (vectors.T * deviations) @ turn.T
    return _basis(whitening @ turn.T, statistics.mean, mixing, statistics.scatter, notes)


def _fit(model: FastICA, x: np.ndarray) -> tuple[str, ...]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x)
    slow = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return (
        (f"ICA has not converged in {ITERATIONS} iterations: take fewer components.",)
        if slow
        else ()
    )


def _basis(
    weights: np.ndarray,
    mean: np.ndarray,
    mixing: np.ndarray,
    scatter: np.ndarray,
    notes: tuple[str, ...],
) -> Basis:
    energy = (mixing**2).sum(axis=0)
    order = np.argsort(-energy, kind="stable")
    patterns = mixing.T[order]
    total = np.trace(scatter)
    variances = np.einsum("fc,fg,gc->c", weights, scatter, weights, optimize=True)[order]
    return Basis(
        weights[:, order],
        mean,
        patterns,
        energy[order] * variances / total,
        inverse=patterns,
        notes=notes,
    ).with_fixed_signs()
