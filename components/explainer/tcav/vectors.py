"""Concept activation vectors: the direction in which examples differ from other rows."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.linear_model import RidgeClassifier, ridge_regression
from sklearn.model_selection import StratifiedKFold, cross_val_score

Direction = Literal["pattern", "normal"]

#: Penalty of the classifier, of activations whose mean square is 1; parts of its check.
PENALTY, FOLDS = 1.0, 3


def vector(examples: np.ndarray, others: np.ndarray, direction: Direction) -> np.ndarray:
    """Return the direction towards examples, [d].

    Parameters
    ----------
    examples, others : ndarray, shapes [n, d] and [m, d]
        Activations.
    direction : {"pattern", "normal"}
        ``pattern`` is what activations change by, in the mean, from the others to the examples.
        ``normal`` is the unit normal of the plane by which a linear classifier tells them apart,
        or 0 where nothing does.

    Notes
    -----
    Kim et al. 2018, section 3.2, take the normal. It also leans away from all that varies among
    rows for other reasons, as it must to tell them apart, and so need not point to the examples
    [Haufe et al. 2014]. The pattern does [Pahde et al. 2025]: it is the regression of the
    activations on the concept. The classifier is ridge regression on labels of 1 and -1, which
    has one solution however few the rows are.
    """
    if direction == "pattern":
        difference: np.ndarray = examples.mean(axis=0) - others.mean(axis=0)
        return difference
    rows, labels = _both(examples, others)
    # The coefficients of `RidgeClassifier`, without the checks that take most of its time.
    normal = ridge_regression(rows, labels - labels.mean(), PENALTY)
    length = np.linalg.norm(normal)
    unit: np.ndarray = normal / length if length > 0 else np.zeros_like(normal)
    return unit


def accuracy(examples: np.ndarray, others: np.ndarray, seed: int) -> float:
    """Return the share of rows that a linear classifier, taught by the others, tells apart."""
    rows, labels = _both(examples, others)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    found = cross_val_score(RidgeClassifier(alpha=PENALTY), rows, labels, cv=folds)
    return float(found.mean())


def sensitivity(vectors: np.ndarray, slopes: np.ndarray) -> tuple[float, float]:
    """Return the TCAV score and the mean derivative along some vectors, over them and the rows.

    Parameters
    ----------
    vectors : ndarray, shape [runs, d]
    slopes : ndarray, shape [n, d]
        Gradients of the explained value.

    Returns
    -------
    score : float
        Share of rows whose value rises towards the concept [Kim et al. 2018, eq. 2].
    mean : float
        Along a pattern, it is how much the value changes from other rows to the examples, were the
        model linear.
    """
    along = slopes @ vectors.T
    return float((along > 0).mean()), float(along.mean())


def _both(examples: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows, centred and of a mean square of 1, and which are examples."""
    rows = np.concatenate([examples, others])
    rows = rows - rows.mean(axis=0)
    size = np.sqrt((rows**2).mean())
    labels = np.repeat([1.0, -1.0], [len(examples), len(others)])
    return rows / size if size > 0 else rows, labels
