"""What a model takes of the transformed features: which numbers, how many categories."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from components.models.transformed import UNKNOWN_ID

#: Suffix of the rank of a column, beside its z-score.
RANK_SUFFIX = ":cdf"


def selected_numeric(names: Sequence[str], numeric: str) -> list[int]:
    """Return which columns of the input ``numeric`` a model takes.

    Only of columns that come as a z-score and as a rank is one of the two left out; all
    others (indicators, cycles, columns with one copy, those of an own preprocessing
    function) are always taken.

    Parameters
    ----------
    names : sequence of str
        Names of the columns; see `components.models.transformed.Features`.
    numeric : {"all", "standardized", "ranks"}
        Both copies, the z-scores, or the ranks.

    Returns
    -------
    list of int
        Indices into `names`, in order.

    Examples
    --------
    >>> names = ["fare", "night", "fare:cdf", "fare:missing"]
    >>> selected_numeric(names, "standardized")
    [0, 1, 3]
    >>> selected_numeric(names, "ranks")
    [1, 2, 3]
    """
    present = set(names)
    scores = {name for name in names if name + RANK_SUFFIX in present}
    left_out = {
        "all": set(),
        "standardized": {name + RANK_SUFFIX for name in scores},
        "ranks": scores,
    }[numeric]
    return [index for index, name in enumerate(names) if name not in left_out]


@tf_keras.utils.register_keras_serializable("modelworks")
class SelectColumns(tf_keras.layers.Layer):
    """Keeps some columns: [n, k] -> [n, len(indices)].

    Parameters
    ----------
    indices : sequence of int
        In the order that is wanted.
    """

    def __init__(self, indices: Sequence[int], **arguments: object) -> None:
        super().__init__(**arguments)
        self.indices = list(indices)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, self.indices, axis=-1)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "indices": self.indices}


@tf_keras.utils.register_keras_serializable("modelworks")
class CapIds(tf_keras.layers.Layer):
    """Turns ids from `size` on into that of an unknown value.

    Vocabularies are in the order of falling frequency, so that it is the most frequent
    values that keep an id of their own.

    Parameters
    ----------
    size : int
        Number of ids that are left, the reserved ones included.
    """

    def __init__(self, size: int, **arguments: object) -> None:
        super().__init__(**arguments)
        self.size = size

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.where(ids < self.size, ids, tf.cast(UNKNOWN_ID, ids.dtype))

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "size": self.size}
