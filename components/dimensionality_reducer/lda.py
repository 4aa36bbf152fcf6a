"""Linear discriminant analysis: directions that part the classes."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream

#: A direction whose standard deviation within the classes is this share of that of its
#: columns is none; scikit-learn's bound.
WITHIN_TOLERANCE = 1e-4


def fit(rows: Rows, components: int, seed: int) -> Basis:
    """Fit with scikit-learn."""
    model = LinearDiscriminantAnalysis(
        solver="svd", n_components=components, tol=WITHIN_TOLERANCE
    ).fit(rows.x, rows.label)
    return _basis(
        model.scalings_[:, :components],
        model.xbar_,
        model.explained_variance_ratio_[:components],
    )


def fit_stream(stream: Stream, components: int, seed: int) -> Basis:
    """Fit from the exact scatter within and between classes."""
    weights, ratios = _directions(stream.statistics)
    return _basis(weights[:, :components], stream.statistics.mean, ratios[:components])


def most(statistics: Statistics) -> int:
    """Return the number of discriminants that there are: at most one less than classes."""
    return min(int((statistics.class_counts > 0).sum()) - 1, statistics.rank)


def within(statistics: Statistics) -> np.ndarray:
    """Return the sum of squares of each column around the means of the classes [f]."""
    return np.diag(statistics.scatter) - (_means(statistics) ** 2).sum(axis=1)


def _means(statistics: Statistics) -> np.ndarray:
    """Return the classes' deviations from the mean, times the root of their rows [f, c]."""
    counts = statistics.class_counts
    present = counts > 0
    return statistics.cross[:, present] / np.sqrt(counts[present])


def _directions(statistics: Statistics) -> tuple[np.ndarray, np.ndarray]:
    """Whiten the scatter within classes, then turn to that between them."""
    means = _means(statistics)
    between = means @ means.T
    inner = (statistics.scatter - between) / (statistics.count - means.shape[1])
    deviation = np.sqrt(np.maximum(np.diag(inner), 0.0))
    # A column that is constant in these rows has no weight, and needs no scale.
    deviation[deviation == 0] = 1.0
    values, vectors = scipy.linalg.eigh(inner / np.outer(deviation, deviation))
    there = values > WITHIN_TOLERANCE**2
    whitening = vectors[:, there] / np.sqrt(values[there]) / deviation[:, np.newaxis]
    spread, turn = scipy.linalg.eigh(whitening.T @ between @ whitening)
    weights = whitening @ turn[:, ::-1]
    return weights, np.maximum(spread[::-1], 0.0) / max(float(spread.sum()), 1e-300)


def _basis(weights: np.ndarray, mean: np.ndarray, scores: np.ndarray) -> Basis:
    return Basis(weights, mean, weights.T, scores, inverse=None).with_fixed_signs()
