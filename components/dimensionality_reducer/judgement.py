"""How well a cheap model does with some features.

The model is linear in the features and in a layer of random units on top of them, which
is never trained itself. It takes some hundredths of a second, and orders features as
networks do; a model of the features alone would tell neither rotations nor scales of
components apart, and misses what bends.

References
----------
A. Rahimi, B. Recht: Weighted sums of random kitchen sinks. NIPS 2008.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

#: Random units.
UNITS = 256
#: Standard deviation of their thresholds, beside inputs of unit length.
THRESHOLDS = 0.5
#: Sum of squares of all units, as a multiple of that of all columns.
UNITS_TO_COLUMNS = 4
TINY = float(np.finfo(np.float64).tiny)
#: Iterations of the fit at most: the order of features settles early.
ITERATIONS = 60


@dataclass(frozen=True)
class Part:
    """Rows to fit to, or to judge by.

    Attributes
    ----------
    x : array, shape (n, c)
    kept : sparse matrix, shape (n, v), or None
        Indicators of the categories that are no part of x.
    label : array, shape (n,)
    """

    x: np.ndarray
    kept: scipy.sparse.csr_matrix | None
    label: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """How well the model did.

    Attributes
    ----------
    losses : array, shape (n,)
        Of each row of the test part: minus the log of the probability of its class, or
        the squared error as a share of the variance.
    metrics : dict
        ``accuracy``, and ``auc`` for two classes; or ``r2``.
    """

    losses: np.ndarray
    metrics: dict[str, float]


def judge(train: Part, test: Part, *, classes: int, seed: int) -> Judgement:
    """Fit the model to the train part, and judge it by the test part.

    Parameters
    ----------
    train, test : Part
    classes : int
        Number of classes, of which the train part may lack some; 0 for regression.
    seed : int
        Of the random units.
    """
    inputs = _with_units(train, test, seed)
    if not classes:
        model = Ridge(alpha=1.0, solver="lsqr").fit(inputs[0], train.label)
        predicted = model.predict(inputs[1])
        losses = (test.label - predicted) ** 2 / max(float(test.label.var()), TINY)
        return Judgement(losses, {"r2": float(r2_score(test.label, predicted))})
    with warnings.catch_warnings():
        # That the iterations do not suffice is intended.
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=ITERATIONS).fit(inputs[0], train.label)
    probabilities = np.zeros((len(test.label), classes))
    probabilities[:, model.classes_.astype(np.int64)] = model.predict_proba(inputs[1])
    label = test.label.astype(np.int64)
    own = probabilities[np.arange(len(label)), label]
    metrics = {"accuracy": float(accuracy_score(label, probabilities.argmax(axis=1)))}
    if classes == 2 and 0 < label.sum() < len(label):
        metrics["auc"] = float(roc_auc_score(label, probabilities[:, 1]))
    return Judgement(-np.log(np.maximum(own, np.finfo(np.float64).eps)), metrics)


def _with_units(train: Part, test: Part, seed: int) -> list[np.ndarray | scipy.sparse.csr_matrix]:
    width = train.x.shape[1]
    random = np.random.default_rng(seed)
    weights = random.normal(size=(width, UNITS))
    thresholds = random.normal(scale=THRESHOLDS, size=UNITS)
    # One scale for all columns, and their own origin: what is small or far away in the
    # features is so for a network, too.
    length = np.sqrt((train.x**2).sum(axis=1).mean()) or 1.0
    linear, units = ([] for _ in range(2))
    for part in (train, test):
        x = part.x / length
        linear.append(x * np.sqrt(width))
        units.append(np.maximum(x @ weights + thresholds, 0.0))
    # In proportion to the columns, so that few columns do not drown in the units' noise.
    middle = units[0].mean(axis=0)
    scale = np.sqrt(UNITS_TO_COLUMNS * width / UNITS) / (units[0].std() or 1.0)
    parts = [
        np.hstack([columns, (layer - middle) * scale])
        for columns, layer in zip(linear, units, strict=True)
    ]
    return [
        features if part.kept is None else scipy.sparse.hstack([features, part.kept], format="csr")
        for part, features in zip((train, test), parts, strict=True)
    ]
