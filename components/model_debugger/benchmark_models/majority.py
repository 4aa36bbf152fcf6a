"""The same answer to every row: the base rate, the classes' frequencies or the mean."""

from __future__ import annotations

import numpy as np
import tf_keras

from components.model_debugger.benchmark_models.layers import Constant
from components.model_debugger.benchmark_models.problem import Fitted, Problem
from components.page import number

#: Rows that a class counts as of which there is none, so that its logarithm is a number.
ABSENT = 0.5


def fit(problem: Problem) -> Fitted:
    """Return the model whose logits are those of the frequencies, or whose value is the mean."""
    features, labels = problem.features, problem.labels
    if features.regression:
        value = np.array([labels.mean()])
        learned = f"Always {number(float(value[0]))}, the mean."
    else:
        counts = np.maximum(np.bincount(labels, minlength=len(features.classes)), ABSENT)
        value = np.log(counts / counts.sum())
        most = int(counts.argmax())
        share = counts[most] / counts.sum()
        learned = f"Always {features.classes[most]}, the class of {share:.1%} of the rows."
        if features.task == "binary":
            value = value[1:] - value[:1]
    inputs, parts = problem.inputs()
    layer = Constant(problem.outputs, name="constant")
    result = layer(next(iter(parts.values())))
    layer.set_weights([value.astype(np.float32)])
    return Fitted(tf_keras.Model(inputs, result, name="majority"), (learned,), len(problem))
