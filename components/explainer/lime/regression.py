"""Weighted ridge regressions of several rows at once, on what is kept of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fit:
    """Linear models of k kept-or-not features.

    Attributes
    ----------
    weights : ndarray, shape [r, k, outputs]
    intercept : ndarray, shape [r, outputs]
    fidelity : ndarray, shape [r, outputs]
        Weighted R squared; NaN where the answers do not vary.
    """

    weights: np.ndarray
    intercept: np.ndarray
    fidelity: np.ndarray

    @property
    def prediction(self) -> np.ndarray:
        """What they say where everything is kept, [r, outputs]."""
        found: np.ndarray = self.intercept + self.weights.sum(axis=1)
        return found


def fit(kept: np.ndarray, importance: np.ndarray, answers: np.ndarray, penalty: float) -> Fit:
    """Return the ridge regression for each of several rows.

    Parameters
    ----------
    kept : ndarray of bool, shape [r, s, k]
        What each sample keeps of the row.
    importance : ndarray, shape [r, s]
        Weights of the samples.
    answers : ndarray, shape [r or 1, s, outputs]
        What the model says of them.
    penalty : float
        On the squared weights, not on the intercept.
    """
    share = importance / importance.sum(axis=1, keepdims=True)
    values = kept.astype(np.float64)
    mean = np.einsum("rs,rsk->rk", share, values)
    middle = np.matmul(share[:, None], answers)[:, 0]
    values -= mean[:, None]
    weighted = np.swapaxes(values * importance[..., None], 1, 2)
    gram = weighted @ values + penalty * np.eye(kept.shape[2])
    centred = answers - middle[:, None]
    moment = weighted @ centred
    # Without a penalty a feature that never varies has no solution of its own.
    weights = (
        np.linalg.pinv(gram, hermitian=True) @ moment
        if not penalty
        else np.linalg.solve(gram, moment)
    )
    left = np.einsum("rs,rso->ro", share, (centred - values @ weights) ** 2)
    total = np.einsum("rs,rso->ro", share, centred**2)
    varies = total > 1e-18 * np.maximum(1.0, middle**2)
    fidelity = 1 - np.divide(left, total, out=np.full_like(left, np.nan), where=varies)
    return Fit(weights, middle - np.einsum("rk,rko->ro", mean, weights), fidelity)


def kernel(squared: np.ndarray, width: float) -> np.ndarray:
    """Return the weight of samples at these squared distances: exp(-d^2 / (2 width^2))."""
    found: np.ndarray = np.exp(-squared / (2 * width**2))
    return found
