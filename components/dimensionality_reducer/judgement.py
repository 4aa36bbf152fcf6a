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


def judge(train: Part, test: Part, *, classes: int, seed: int) -> tuple[float, dict[str, float]]:
    """Return the score, higher is better, and the metrics.

    Parameters
    ----------
    train, test : Part
    classes : int
        Number of classes, of which the train part may lack some; 0 for regression.
    seed : int
        Of the random units.

    Returns
    -------
    score : float
        Mean log likelihood, or R2.
    metrics : dict
        ``accuracy``, and ``auc`` for two classes; or ``r2``.
    """
    inputs = _with_units(train, test, seed)
    if not classes:
        model = Ridge(alpha=1.0, solver="lsqr").fit(inputs[0], train.label)
        score = float(r2_score(test.label, model.predict(inputs[1])))
        return score, {"r2": score}
    with warnings.catch_warnings():
        # That the iterations do not suffice is intended.
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=ITERATIONS).fit(inputs[0], train.label)
    probabilities = np.zeros((len(test.label), classes))
    probabilities[:, model.classes_.astype(np.int64)] = model.predict_proba(inputs[1])
    label = test.label.astype(np.int64)
    own = probabilities[np.arange(len(label)), label]
    score = float(np.log(np.maximum(own, np.finfo(np.float64).eps)).mean())
    metrics = {"accuracy": float(accuracy_score(label, probabilities.argmax(axis=1)))}
    if classes == 2 and 0 < label.sum() < len(label):
        metrics["auc"] = float(roc_auc_score(label, probabilities[:, 1]))
    return score, metrics


def _with_units(train: Part, test: Part, seed: int) -> list[np.ndarray | scipy.sparse.csr_matrix]:
    width = train.x.shape[1]
    random = np.random.default_rng(seed)
    weights = random.normal(size=(width, UNITS))
    thresholds = random.normal(scale=THRESHOLDS, size=UNITS)
    mean = train.x.mean(axis=0)
    # One scale for all columns: what is small in the features is small for a network, too.
    length = np.sqrt(((train.x - mean) ** 2).sum(axis=1).mean()) or 1.0
    parts = []
    for part in (train, test):
        x = (part.x - mean) / length
        units = np.maximum(x @ weights + thresholds, 0.0)
        parts.append(np.hstack([x * np.sqrt(width), units]))
    middle, deviation = parts[0].mean(axis=0), parts[0].std() or 1.0
    inputs = []
    for part, features in zip((train, test), parts, strict=True):
        scaled = (features - middle) / deviation
        inputs.append(
            scaled if part.kept is None else scipy.sparse.hstack([scaled, part.kept], format="csr")
        )
    return inputs
