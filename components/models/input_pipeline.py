"""Training input whose order depends on the seed and the epoch alone.

A training that resumes at epoch e then sees from there on what an undisturbed one
would have seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from components.models.augmentation import Augmentation
from components.models.transformed import IMAGE

#: Rows that are looked at at once where nothing is learnt, and numbers in them: images are
#: large, and a model's layers larger.
LOOK_ROWS = 4096
LOOK_VALUES = 1 << 22


def shuffled_epochs(
    arrays: Mapping[str, np.ndarray],
    *,
    label: str,
    batch_size: int,
    seed: int,
    epochs: range,
    weights: np.ndarray | None = None,
    augmentation: Augmentation | None = None,
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
    augmentation : Augmentation, optional
        Of the feature ``image``.

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
        if augmentation is None:
            return tf.data.Dataset.from_tensor_slices((order,)).batch(batch_size)
        draws = tf.gather(augmentation.draw(epoch, rows), order)
        return tf.data.Dataset.from_tensor_slices((order, draws)).batch(batch_size)

    def gather(index: tf.Tensor, *draws: tf.Tensor) -> tuple[tf.Tensor, ...]:
        features = {name: tf.gather(values, index) for name, values in tensors.items()}
        if augmentation is not None:
            features[IMAGE] = augmentation.apply(features[IMAGE], *draws)
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
    arrays: Mapping[str, np.ndarray], *, label: str, batch_size: int | None = None
) -> tf.data.Dataset:
    """Return the rows in their order, in batches ``(features, label)``."""
    features = {name: values for name, values in arrays.items() if name != label}
    return (
        tf.data.Dataset.from_tensor_slices((features, arrays[label]))
        .batch(batch_size or look_rows(features))
        .with_options(_options())
    )


def look_rows(features: Mapping[str, np.ndarray]) -> int:
    """Return how many rows are looked at at once where nothing is learnt."""
    values = max((array[0].size for array in features.values() if len(array)), default=1)
    return max(1, min(LOOK_ROWS, LOOK_VALUES // max(values, 1)))


def _options() -> tf.data.Options:
    options = tf.data.Options()
    # There is nothing to tune, and the end of a training may wait for the tuner's next look.
    options.autotune.enabled = False
    return options
