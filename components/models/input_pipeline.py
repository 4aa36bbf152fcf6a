"""Training input whose order depends on the seed and the epoch alone.

A training that resumes at epoch e then sees from there on what an undisturbed one
would have seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf


def shuffled_epochs(
    arrays: Mapping[str, np.ndarray],
    *,
    label: str,
    batch_size: int,
    seed: int,
    epochs: range,
    weights: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Return the batches of the given epochs, one after the other.

    Parameters
    ----------
    arrays : mapping
        Feature name -> array whose first axis is the row; includes `label`.
    label : str
    batch_size : int
    seed : int
    epochs : range
        Epochs to yield; epoch e has the same order whatever the range.
    weights : ndarray, optional
        Weight of each row.

    Returns
    -------
    tf.data.Dataset
        Batches ``(features, label)`` or ``(features, label, weight)``.
    """
    rows = len(arrays[label])
    tensors = {name: tf.constant(array) for name, array in arrays.items()}
    weight = None if weights is None else tf.constant(weights, tf.float32)

    def indices(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(rows), seed=tf.stack([tf.cast(seed, tf.int64), epoch])
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def gather(index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        features = {name: tf.gather(values, index) for name, values in tensors.items()}
        target = features.pop(label)
        return (
            (features, target)
            if weight is None
            else (
                features,
                target,
                tf.gather(weight, index),
            )
        )

    return (
        tf.data.Dataset.range(epochs.start, epochs.stop)
        .flat_map(indices)
        .map(gather, num_parallel_calls=1, deterministic=True)
        .prefetch(4)
        .with_options(_options())
    )


def batches(
    arrays: Mapping[str, np.ndarray], *, label: str, batch_size: int = 4096
) -> tf.data.Dataset:
    """Return the rows in their order, in batches ``(features, label)``."""
    features = {name: values for name, values in arrays.items() if name != label}
    return (
        tf.data.Dataset.from_tensor_slices((features, arrays[label]))
        .batch(batch_size)
        .with_options(_options())
    )


def _options() -> tf.data.Options:
    options = tf.data.Options()
    # There is nothing to tune, and the end of a training may wait for the tuner's next look.
    options.autotune.enabled = False
    return options
