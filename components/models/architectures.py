"""Tabular architectures: transformed features and hyperparameters -> an uncompiled model.

Every model takes the dictionary ``{"numeric": float32 [n, k], "categorical": int64
[n, m]}`` (a key is absent where a data set has no such columns) and returns one output
per class or target: logits for classification, values for regression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models.hyperparameters import HyperParameters

Inputs = dict[str, tf.Tensor]
Body = Callable[[Inputs, Sequence[int], int, HyperParameters], tf.Tensor]


def linear(
    inputs: Inputs, vocabulary_sizes: Sequence[int], outputs: int, hp: HyperParameters
) -> tf.Tensor:
    """Sum of one weight per number and one per category: generalised linear model."""
    parts = []
    if "numeric" in inputs:
        parts.append(_dense(outputs, hp, name="linear_numeric")(inputs["numeric"]))
    if "categorical" in inputs:
        weights = _embed(inputs["categorical"], vocabulary_sizes, outputs, "linear_categorical")
        parts.append(SumFeatures(name="linear_sum")(weights))
    return parts[0] if len(parts) == 1 else tf_keras.layers.Add(name="linear")(parts)


def mlp(
    inputs: Inputs, vocabulary_sizes: Sequence[int], outputs: int, hp: HyperParameters
) -> tf.Tensor:
    """Multi-layer perceptron on the numbers and an embedding of each category."""
    parts = []
    if "numeric" in inputs:
        parts.append(inputs["numeric"])
    if "categorical" in inputs:
        embedded = _embed(inputs["categorical"], vocabulary_sizes, hp.embedding_dim, "embedding")
        parts.append(tf_keras.layers.Flatten(name="embedded")(embedded))
    hidden = parts[0] if len(parts) == 1 else tf_keras.layers.Concatenate(name="features")(parts)
    for index, units in enumerate(hp.hidden_units):
        hidden = _dense(units, hp, activation=hp.activation, name=f"hidden_{index}")(hidden)
        if hp.dropout:
            # A stateful generator is part of the checkpoint, so that a resumed training
            # draws the masks that an undisturbed one would have drawn.
            hidden = tf_keras.layers.Dropout(
                hp.dropout, seed=index, rng_type="stateful", name=f"dropout_{index}"
            )(hidden)
    return _dense(outputs, hp, name="deep")(hidden)


def wide_and_deep(
    inputs: Inputs, vocabulary_sizes: Sequence[int], outputs: int, hp: HyperParameters
) -> tf.Tensor:
    """Sum of `linear` and `mlp` [Cheng et al. 2016, Wide & Deep Learning]."""
    return tf_keras.layers.Add(name="wide_and_deep")(
        [
            linear(inputs, vocabulary_sizes, outputs, hp),
            mlp(inputs, vocabulary_sizes, outputs, hp),
        ]
    )


ARCHITECTURES: dict[str, Body] = {
    "wide_and_deep": wide_and_deep,
    "mlp": mlp,
    "linear": linear,
}


def build(
    hp: HyperParameters,
    *,
    numeric: int,
    vocabulary_sizes: Sequence[int],
    outputs: int,
    target_mean: float = 0.0,
    target_deviation: float = 1.0,
) -> tf_keras.Model:
    """Return an uncompiled model.

    Parameters
    ----------
    hp : HyperParameters
    numeric : int
        Width of the input ``numeric``.
    vocabulary_sizes : sequence of int
        Number of ids of each column of the input ``categorical``.
    outputs : int
        Width of the output: 1 for binary classification and regression, else the
        number of classes.
    target_mean, target_deviation : float
        Moments of a regression's target: the last layer scales its output by them,
        so that the layers before it work with numbers near 1.

    Raises
    ------
    InputError
        If there is no input at all.
    """
    inputs: Inputs = {}
    if numeric:
        inputs["numeric"] = tf_keras.Input((numeric,), dtype=tf.float32, name="numeric")
    if vocabulary_sizes:
        inputs["categorical"] = tf_keras.Input(
            (len(vocabulary_sizes),), dtype=tf.int64, name="categorical"
        )
    if not inputs:
        raise InputError("The transformed data has no features.", remedy="see transform")
    result = ARCHITECTURES[hp.architecture](inputs, vocabulary_sizes, outputs, hp)
    if (target_mean, target_deviation) != (0.0, 1.0):
        result = tf_keras.layers.Rescaling(target_deviation, target_mean, name="target")(result)
    return tf_keras.Model(inputs, result, name=hp.architecture)


def _dense(
    units: int, hp: HyperParameters, *, name: str, activation: str | None = None
) -> tf_keras.layers.Dense:
    return tf_keras.layers.Dense(
        units,
        activation=activation,
        kernel_regularizer=tf_keras.regularizers.L2(hp.l2) if hp.l2 else None,
        name=name,
    )


def _embed(
    categorical: tf.Tensor, vocabulary_sizes: Sequence[int], width: int, name: str
) -> tf.Tensor:
    """Embed all columns from one table: one gather instead of one per column."""
    offsets = np.concatenate([[0], np.cumsum(vocabulary_sizes)[:-1]]).astype(np.int64)
    rows = OffsetIds(offsets.tolist(), name=f"{name}_rows")(categorical)
    return tf_keras.layers.Embedding(int(sum(vocabulary_sizes)), width, name=name)(rows)


@tf_keras.utils.register_keras_serializable("modelworks")
class OffsetIds(tf_keras.layers.Layer):
    """Adds its own constant to each column of integer ids."""

    def __init__(self, offsets: Sequence[int], **arguments: object) -> None:
        super().__init__(**arguments)
        self.offsets = list(offsets)

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return ids + tf.constant(self.offsets, tf.int64)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "offsets": self.offsets}


@tf_keras.utils.register_keras_serializable("modelworks")
class SumFeatures(tf_keras.layers.Layer):
    """Sums [n, m, k] over its m features."""

    def call(self, weights: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(weights, axis=1)
