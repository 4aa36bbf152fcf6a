"""Residuals of a regression and of a classification.

Deviance and Pearson residuals are those of McCullagh and Nelder, "Generalized Linear Models"
(1989, section 2.4), randomised quantile residuals those of Dunn and Smyth (1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from components.models.metric_names import BINARY, REGRESSION, Task

#: Probabilities this close to 0 and 1 count as so close: a residual stays finite.
PROBABILITY_FLOOR = 1e-6
#: Relative error that the values of a model have by themselves: they are float32.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Series:
    """Residuals of one output of a model.

    Attributes
    ----------
    name : str or None
        The class that is told from the rest; None for a regression and of two classes.
    predictions : ndarray, shape [n]
        The value, or the probability of the class.
    raw : ndarray, shape [n]
        Label less prediction.
    values : ndarray, shape [n]
        What is tested: `raw`, or Pearson residuals, whose variance is 1 if the probabilities are
        right.
    variances : ndarray, shape [n], or None
        Variance of `raw` if the probabilities are right; None where a model says none.
    """

    name: str | None
    predictions: np.ndarray
    raw: np.ndarray
    values: np.ndarray
    variances: np.ndarray | None

    @property
    def probabilities(self) -> np.ndarray:
        """The predictions of a class, kept from 0 and 1 by `PROBABILITY_FLOOR`."""
        return _floored(self.predictions)

    @property
    def exact(self) -> bool:
        """Whether the residuals of a regression are no more than rounding of its values."""
        size = float(np.abs(self.predictions).max(initial=0.0))
        return self.variances is None and bool(np.abs(self.raw).max(initial=0.0) <= ROUNDING * size)


def series(
    task: Task, labels: np.ndarray, scores: np.ndarray, classes: Sequence[str], most: int
) -> list[Series]:
    """Return the residuals of each output.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    labels : ndarray, shape [n]
        Index of the class, or the number.
    scores : ndarray, shape [n, k]
        Probabilities of `classes`; or values [n, 1].
    classes : sequence of str
    most : int
        Of more than two classes, the most frequent that are returned, by falling frequency.

    Returns
    -------
    list of Series
        One for a regression and for two classes (of the last one).
    """
    if task == REGRESSION:
        raw = labels - scores[:, 0]
        return [Series(None, scores[:, 0], raw, raw, None)]
    if task == BINARY:
        return [_of_class(None, labels == scores.shape[1] - 1, scores[:, -1])]
    counts = np.bincount(labels.astype(int), minlength=len(classes))
    order = np.argsort(-counts, kind="stable")[:most]
    return [_of_class(classes[k], labels == k, scores[:, k]) for k in order if counts[k]]


def _of_class(name: str | None, truth: np.ndarray, scores: np.ndarray) -> Series:
    p = _floored(scores)
    variances = p * (1 - p)
    raw = truth - p
    return Series(name, scores, raw, raw / np.sqrt(variances), variances)


def _floored(p: np.ndarray) -> np.ndarray:
    return np.clip(p.astype(np.float64), PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)


def sizes(task: Task, labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return how badly each row is predicted, [n], from 0.

    Returns
    -------
    ndarray
        Absolute residuals of a regression; of a classification deviance residuals without their
        sign, sqrt(-2 log p) with the probability p of the true class.

    Examples
    --------
    >>> sizes("binary", np.array([1, 1]), np.array([[0.0, 1.0], [1 - np.exp(-2), np.exp(-2)]]))
    array([0., 2.])
    """
    if task == REGRESSION:
        found: np.ndarray = np.abs(labels - scores[:, 0])
        return found
    p = scores[np.arange(len(labels)), labels.astype(int)]
    deviance: np.ndarray = np.maximum(-2 * np.log(np.clip(p, PROBABILITY_FLOOR, 1)), 0.0)
    return np.asarray(np.sqrt(deviance))


def quantile_residuals(series: Series, seed: int) -> np.ndarray:
    """Return residuals that are standard normal if the probabilities are right, [n].

    Parameters
    ----------
    series : Series
        Of a class.
    seed : int
        A label's place within its part of the distribution is drawn.

    Notes
    -----
    A label of 0 stands for the part from 0 to 1 - p of a uniform variable, a label of 1 for
    the rest.
    """
    p = series.probabilities
    drawn = np.random.default_rng(seed).random(len(p))
    uniform = np.where(series.raw > 0, 1 - p + p * drawn, (1 - p) * drawn)
    # A draw of exactly 0 has no finite quantile.
    smallest = np.finfo(np.float64).tiny
    normal: np.ndarray = stats.norm.ppf(np.maximum(uniform, smallest))
    return normal
