"""Logits that are scaled so that scores become probabilities.

Temperature scaling (Guo et al., "On calibration of modern neural networks", 2017) divides them
by a number; Platt's scaling (1999) of two classes also adds one. Both are fitted by the least
cross-entropy on rows that the model was not trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from scipy import optimize, special

from components.models import measuring
from components.models.metric_names import BINARY
from components.remediator.candidate import Candidate
from components.remediator.config import Calibration, RecalibrationRemedy
from components.remediator.problem import Problem


@tf_keras.utils.register_keras_serializable("modelworks")
class ScaleLogits(tf_keras.layers.Layer):
    """Multiplies logits and adds to them: [n, k] -> [n, k].

    Parameters
    ----------
    factor : float
    offset : float
    """

    def __init__(self, factor: float, offset: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.factor, self.offset = factor, offset

    def call(self, logits: tf.Tensor) -> tf.Tensor:
        return self.factor * logits + self.offset

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "offset": self.offset}


def candidates(
    problem: Problem, check: Calibration, settings: RecalibrationRemedy
) -> Iterator[Candidate]:
    """Yield the scaled model; see `components.remediator.remedies.REMEDIES`."""
    method = settings.method or ("platt" if problem.task == BINARY else "temperature")
    logits = measuring.outputs(problem.model, problem.tuning.arrays)
    factor, offset = fit(logits, problem.tuning.labels, offset=method == "platt")
    told = f"temperature {1 / factor:.3g}"
    if method == "platt":
        told += f", offset {offset:+.3g}"
    outputs = ScaleLogits(factor, offset, name="recalibrated")(problem.model.output)
    yield Candidate(tf_keras.Model(problem.model.input, outputs), told)


def fit(logits: np.ndarray, labels: np.ndarray, *, offset: bool) -> tuple[float, float]:
    """Return the factor and the offset of the least cross-entropy.

    Parameters
    ----------
    logits : ndarray, shape [n, 1] or [n, k]
        Of the positive class, or of each.
    labels : ndarray, shape [n]
        Index of the class.
    offset : bool
        Whether there is one; only of two classes.

    Returns
    -------
    factor, offset : float
        The factor is above 0, so that no ranking changes; its inverse is the temperature.
    """
    z = logits.astype(np.float64)
    y = labels.astype(np.int64)

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        factor = np.exp(given[0])
        if z.shape[1] == 1:
            shifted = factor * z[:, 0] + (given[1] if offset else 0.0)
            wrong = special.expit(shifted) - y
            value = np.mean(np.logaddexp(0.0, shifted) - y * shifted)
            slope = [np.mean(wrong * z[:, 0]) * factor, np.mean(wrong)]
        else:
            shifted = factor * z
            likely = special.softmax(shifted, axis=1)
            own = np.arange(len(y)), y
            value = np.mean(special.logsumexp(shifted, axis=1) - shifted[own])
            slope = [np.mean((likely * z).sum(axis=1) - z[own]) * factor, 0.0]
        return float(value), np.array(slope[: len(given)])

    start = np.zeros(2 if offset else 1)
    bounds = [(-5.0, 5.0), (-10.0, 10.0)][: len(start)]
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(np.exp(found[0])), float(found[1]) if offset else 0.0
