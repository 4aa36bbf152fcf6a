"""From a model's outputs to scores: one convention for every kind of model."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

#: Name of `loss_metric`.
LOSS_METRIC = "unpenalised_loss"


def from_outputs(outputs: tf.Tensor, task: str) -> tf.Tensor:
    """Return scores [n, k] for a model's `outputs`.

    Parameters
    ----------
    outputs : tf.Tensor
        Logits [n, 1] (binary) or [n, k] (multiclass), or values [n, 1] (regression).
    task : {"binary", "multiclass", "regression"}

    Returns
    -------
    tf.Tensor
        Probabilities [n, k] that sum to 1, with the positive class last for binary;
        for regression the values themselves, [n, 1].
    """
    if task == "binary":
        positive = tf.sigmoid(outputs)
        return tf.concat([1.0 - positive, positive], axis=1)
    if task == "multiclass":
        return tf.nn.softmax(outputs)
    return outputs


def loss(task: str) -> tf_keras.losses.Loss:
    """Return the training loss for a model's outputs."""
    if task == "binary":
        return tf_keras.losses.BinaryCrossentropy(from_logits=True)
    if task == "multiclass":
        return tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return tf_keras.losses.MeanSquaredError()


def loss_metric(task: str) -> tf_keras.metrics.Metric:
    """Return the metric that is the training loss without a model's penalties."""
    if task == "binary":
        return tf_keras.metrics.BinaryCrossentropy(from_logits=True, name=LOSS_METRIC)
    if task == "multiclass":
        return tf_keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name=LOSS_METRIC)
    return tf_keras.metrics.MeanSquaredError(name=LOSS_METRIC)


def metrics(task: str) -> list[tf_keras.metrics.Metric]:
    """Return the metrics that are followed while training."""
    if task == "binary":
        return [tf_keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")]
    if task == "multiclass":
        return [tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    return [tf_keras.metrics.RootMeanSquaredError(name="rmse")]


def outputs(task: str, classes: int) -> int:
    """Return the width of the output layer."""
    return classes if task == "multiclass" else 1
