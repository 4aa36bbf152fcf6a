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
from components.models.inputs import CapIds, SelectColumns, selected_numeric
from components.models.transformed import RESERVED_IDS

Inputs = dict[str, tf.Tensor]
Body = Callable[[Inputs, Sequence[int], int, HyperParameters], tf.Tensor]

#: Share of a batch normalization's moving statistics that each batch leaves. Keras' 0.99
#: leaves them behind the weights for a whole epoch of a small data set, so that early
#: stopping would judge another model than the one that is trained.
BATCH_MOMENTUM = 0.9


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
    hidden = _hidden(_dense_features(inputs, vocabulary_sizes, hp), hp)
    return _dense(outputs, hp, name="deep")(hidden)


def residual(
    inputs: Inputs, vocabulary_sizes: Sequence[int], outputs: int, hp: HyperParameters
) -> tf.Tensor:
    """Residual network: each hidden layer adds to what the one before it put out.

    A block is ``x + W2 activation(norm(W1 x))``, after a projection to its width where that
    differs; an activation comes before the output.

    Notes
    -----
    Gorishniy et al. 2021 ("Revisiting Deep Learning Models for Tabular Data") normalize what
    enters a block, as He et al. 2016 do. Here it is what leaves W1: a batch normalization
    can be folded into a matrix that it follows when the model is quantized, but not into a
    sum.
    """
    x = _dense_features(inputs, vocabulary_sizes, hp)
    for index, units in enumerate(hp.hidden_units):
        if x.shape[-1] != units:
            x = _dense(units, hp, name=f"projection_{index}")(x)
        branch = _dense(units, hp, name=f"residual_{index}")(_hidden_layer(x, index, hp))
        x = tf_keras.layers.Add(name=f"block_{index}")([x, branch])
    x = tf_keras.layers.Activation(hp.activation, name="head_activation")(x)
    return _dense(outputs, hp, name="deep")(x)


def cross(
    inputs: Inputs, vocabulary_sizes: Sequence[int], outputs: int, hp: HyperParameters
) -> tf.Tensor:
    """Deep and cross network, both parts in parallel [Wang et al. 2021, DCN V2, eq. 1]."""
    features = _dense_features(inputs, vocabulary_sizes, hp)
    crossed = features
    for index in range(hp.cross_layers):
        weighted = _dense(features.shape[-1], hp, name=f"cross_weights_{index}")(crossed)
        product = tf_keras.layers.Multiply(name=f"cross_product_{index}")([features, weighted])
        crossed = tf_keras.layers.Add(name=f"cross_{index}")([product, crossed])
    both = tf_keras.layers.Concatenate(name="cross_and_deep")([crossed, _hidden(features, hp)])
    return _dense(outputs, hp, name="deep")(both)


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
    "residual": residual,
    "cross": cross,
    "linear": linear,
}


def build(
    hp: HyperParameters,
    *,
    numeric: Sequence[str],
    vocabulary_sizes: Sequence[int],
    outputs: int,
    target_mean: float = 0.0,
    target_deviation: float = 1.0,
) -> tf_keras.Model:
    """Return an uncompiled model.

    Parameters
    ----------
    hp : HyperParameters
    numeric : sequence of str
        Names of the columns of the input ``numeric``.
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
        inputs["numeric"] = tf_keras.Input((len(numeric),), dtype=tf.float32, name="numeric")
    if vocabulary_sizes:
        inputs["categorical"] = tf_keras.Input(
            (len(vocabulary_sizes),), dtype=tf.int64, name="categorical"
        )
    if not inputs:
        raise InputError("The transformed data has no features.", remedy="see transform")
    selected, sizes = _select(inputs, numeric, vocabulary_sizes, hp)
    result = ARCHITECTURES[hp.architecture](selected, sizes, outputs, hp)
    if (target_mean, target_deviation) != (0.0, 1.0):
        result = tf_keras.layers.Rescaling(target_deviation, target_mean, name="target")(result)
    return tf_keras.Model(inputs, result, name=hp.architecture)


def _select(
    inputs: Inputs, numeric: Sequence[str], vocabulary_sizes: Sequence[int], hp: HyperParameters
) -> tuple[Inputs, list[int]]:
    """Return the inputs and vocabulary sizes that `hp` leaves; layers only where it matters."""
    selected = dict(inputs)
    kept = selected_numeric(numeric, hp.numeric)
    if len(kept) < len(numeric):
        selected["numeric"] = SelectColumns(kept, name="selected")(inputs["numeric"])
    sizes = list(vocabulary_sizes)
    if hp.max_categories is not None and sizes:
        largest = RESERVED_IDS + hp.max_categories
        if max(sizes) > largest:
            selected["categorical"] = CapIds(largest, name="capped")(inputs["categorical"])
            sizes = [min(size, largest) for size in sizes]
    return selected, sizes


def _dense_features(
    inputs: Inputs, vocabulary_sizes: Sequence[int], hp: HyperParameters
) -> tf.Tensor:
    """Return the numbers beside an embedding of each category, [n, k]."""
    parts = []
    if "numeric" in inputs:
        parts.append(inputs["numeric"])
    if "categorical" in inputs:
        embedded = _embed(inputs["categorical"], vocabulary_sizes, hp.embedding_dim, "embedding")
        parts.append(tf_keras.layers.Flatten(name="embedded")(embedded))
    return parts[0] if len(parts) == 1 else tf_keras.layers.Concatenate(name="features")(parts)


def _hidden(x: tf.Tensor, hp: HyperParameters) -> tf.Tensor:
    """Return the output of the hidden layers."""
    for index in range(len(hp.hidden_units)):
        x = _hidden_layer(x, index, hp)
    return x


def _hidden_layer(x: tf.Tensor, index: int, hp: HyperParameters) -> tf.Tensor:
    """Return ``dropout(activation(norm(W x + b)))`` of the width of a hidden layer."""
    units, name = hp.hidden_units[index], f"hidden_{index}"
    if hp.normalization == "none":
        x = _dense(units, hp, activation=hp.activation, name=name)(x)
    else:
        x = _normalization(hp, name=f"norm_{index}")(_dense(units, hp, name=name)(x))
        x = tf_keras.layers.Activation(hp.activation, name=f"activation_{index}")(x)
    if hp.dropout:
        # A stateful generator is part of the checkpoint, so that a resumed training
        # draws the masks that an undisturbed one would have drawn.
        x = tf_keras.layers.Dropout(
            hp.dropout, seed=index, rng_type="stateful", name=f"dropout_{index}"
        )(x)
    return x


def _normalization(hp: HyperParameters, *, name: str) -> tf_keras.layers.Layer:
    if hp.normalization == "batch":
        return tf_keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, name=name)
    return tf_keras.layers.LayerNormalization(name=name)


def _dense(
    units: int, hp: HyperParameters, *, name: str, activation: str | None = None
) -> tf_keras.layers.Dense:
    return tf_keras.layers.Dense(
        units,
        activation=activation,
        # A name, so that each layer makes an initializer of its own: no two kernels are equal.
        kernel_initializer=hp.initializer,
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
