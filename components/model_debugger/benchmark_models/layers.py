"""Layers of the benchmark models, whose weights are copied into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("modelworks")
class Constant(tf_keras.layers.Layer):
    """Returns its weight [k] for each row of its input: [n, ...] -> [n, k]."""

    def __init__(self, outputs: int, **arguments: Any) -> None:
        super().__init__(**{**arguments, "trainable": False})
        self.value = self.add_weight(
            name="value", shape=(outputs,), initializer="zeros", trainable=False
        )

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.repeat(self.value[tf.newaxis], tf.shape(rows)[0], axis=0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "outputs": self.value.shape[0]}


@tf_keras.utils.register_keras_serializable("modelworks")
class Indicators(tf_keras.layers.Layer):
    """Tells which rows have a category: ids [n, m] -> 0 or 1, float32 [n, len(ids)].

    Parameters
    ----------
    columns, ids : sequence of int
        Column and category of each indicator.
    """

    def __init__(self, columns: Sequence[int], ids: Sequence[int], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.columns, self.ids = list(columns), list(ids)

    def call(self, found: tf.Tensor) -> tf.Tensor:
        equal = tf.gather(found, self.columns, axis=1) == tf.constant(self.ids, tf.int64)
        return tf.cast(equal, tf.float32)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "columns": self.columns, "ids": self.ids}


def frequent(sizes: Sequence[int], most: int) -> tuple[list[int], list[int]]:
    """Return column and id of the categories that have an indicator.

    They are the first `most` ids of each column: a missing value, an unknown one, and the most
    frequent categories.

    Examples
    --------
    >>> frequent([2, 9], 3)
    ([0, 0, 1, 1, 1], [0, 1, 0, 1, 2])
    """
    pairs = [
        (column, index) for column, size in enumerate(sizes) for index in range(min(size, most))
    ]
    return [column for column, _ in pairs], [index for _, index in pairs]
