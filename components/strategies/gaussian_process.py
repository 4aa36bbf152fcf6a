"""Gaussian process regression on points whose coordinates belong to parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize
from threadpoolctl import ThreadpoolController

Array = np.ndarray

#: Mean and deviation of the log of the summed relevances, a priori: before there are data to
#: say otherwise, the two ends of a space of any number of parameters are weakly alike.
RELEVANCE_PRIOR = (math.log(6.0), 1.5)
#: Mean and deviation of the log of the noise's share of the signal's variance, a priori.
NOISE_PRIOR = (math.log(0.05), 1.5)
#: Limits of the logs of relevances and noise.
LOG_LIMITS = (-12.0, 6.0)
#: Added to the diagonal, against rounding.
JITTER = 1e-8


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra has one thread.

    Matrices this small gain nothing from a second one, and where trials run beside, waiting
    for it takes ten times as long.
    """
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


class GaussianProcess:
    """A Matern-5/2 process with one relevance for each parameter and white noise.

    Parameters
    ----------
    groups : sequence of int
        For each coordinate of a point, the number of the parameter that it belongs to; every
        number from 0 to the largest is in use.

    Attributes
    ----------
    logs : array [parameters + 1]
        Logs of the relevances (inverse squared length scales) and of the noise's variance, in
        units of the signal's. They are where the next fit starts.

    Notes
    -----
    The covariance of two points is ``s (1 + a + a^2 / 3) exp(-a)``, where ``a = sqrt(5) r``
    and ``r^2`` is the sum over parameters of relevance times squared distance. The signal's
    variance ``s`` has a closed form given the rest, which is found by ascending the marginal
    likelihood times log-normal priors, with analytic gradients.

    References
    ----------
    Rasmussen, C. E. and Williams, C. K. I. (2006). Gaussian processes for machine learning.
    MIT Press, chapters 4 and 5.
    Snoek, J., Larochelle, H. and Adams, R. P. (2012). Practical Bayesian optimization of machine
    learning algorithms. NeurIPS.
    """

    def __init__(self, groups: Sequence[int]) -> None:
        self.groups = np.array(groups)
        self.parameters = int(self.groups.max()) + 1
        self._prior_mean = np.full(
            self.parameters + 1, RELEVANCE_PRIOR[0] - math.log(self.parameters)
        )
        self._prior_mean[-1] = NOISE_PRIOR[0]
        self._prior_deviation = np.full(self.parameters + 1, RELEVANCE_PRIOR[1])
        self._prior_deviation[-1] = NOISE_PRIOR[1]
        self.logs = self._prior_mean.copy()

    def fit(self, points: Array, scores: Array, steps: int) -> None:
        """Fit the relevances and the noise.

        Parameters
        ----------
        points : array [n, coordinates]
        scores : array [n]
            With zero mean.
        steps : int
            Of L-BFGS at most.
        """
        distances = np.stack(
            [
                _squared_distances(
                    points[:, self.groups == number], points[:, self.groups == number]
                )
                for number in range(self.parameters)
            ]
        )
        found = scipy.optimize.minimize(
            self._loss,
            self.logs,
            (distances, scores),
            method="L-BFGS-B",
            jac=True,
            bounds=[LOG_LIMITS] * len(self.logs),
            options={"maxiter": steps},
        )
        self.logs = found.x

    def _loss(self, logs: Array, distances: Array, scores: Array) -> tuple[float, Array]:
        """Return the negative log posterior of the logs, and its gradient."""
        n = len(scores)
        weights, noise = np.exp(logs[:-1]), math.exp(logs[-1])
        a = np.sqrt(5.0 * np.tensordot(weights, distances, 1))
        decay = np.exp(-a)
        covariance = (1.0 + a + a * a / 3.0) * decay
        covariance[np.diag_indices(n)] += noise + JITTER
        factor = scipy.linalg.cholesky(covariance, lower=True, check_finite=False)
        inverse = scipy.linalg.cho_solve((factor, True), np.eye(n), check_finite=False)
        alpha = inverse @ scores
        signal = max(float(scores @ alpha) / n, JITTER)
        deviations = (logs - self._prior_mean) / self._prior_deviation
        loss = 0.5 * n * math.log(signal) + float(np.log(np.diag(factor)).sum())
        loss += 0.5 * float(deviations @ deviations)
        # The loss by the covariance; and that by the squared distance, -5/6 (1 + a) exp(-a).
        by_covariance = 0.5 * (inverse - np.outer(alpha, alpha) / signal)
        by_distance = by_covariance * (-5.0 / 6.0) * (1.0 + a) * decay
        gradient = np.append(
            weights * np.tensordot(distances, by_distance, 2), noise * np.trace(by_covariance)
        )
        return loss, gradient + deviations / self._prior_deviation

    def condition(self, points: Array, scores: Array) -> None:
        """Take data into account, with the relevances and the noise as they are."""
        self._scale = np.exp(0.5 * self.logs[:-1])[self.groups]
        self._points = points * self._scale
        covariance = _matern(_squared_distances(self._points, self._points))
        covariance[np.diag_indices(len(points))] += math.exp(self.logs[-1]) + JITTER
        self._factor = scipy.linalg.cholesky(covariance, lower=True, check_finite=False)
        self._alpha = scipy.linalg.cho_solve((self._factor, True), scores, check_finite=False)
        self._signal = max(float(scores @ self._alpha) / len(scores), JITTER)

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Return the mean and deviation of the noiseless score at each point."""
        covariance = _matern(_squared_distances(self._points, points * self._scale))
        solved = scipy.linalg.solve_triangular(
            self._factor, covariance, lower=True, check_finite=False
        )
        variance = np.maximum(1.0 - np.einsum("ij,ij->j", solved, solved), JITTER)
        return covariance.T @ self._alpha, np.sqrt(self._signal * variance)


def _squared_distances(first: Array, second: Array) -> Array:
    squares = (first * first).sum(axis=1)[:, None] + (second * second).sum(axis=1)
    return np.asarray(np.maximum(squares - 2.0 * first @ second.T, 0.0))


def _matern(squared: Array) -> Array:
    a = np.sqrt(5.0 * squared)
    return np.asarray((1.0 + a + a * a / 3.0) * np.exp(-a))
