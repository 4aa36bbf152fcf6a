"""A regression teacher's values as targets."""

from __future__ import annotations

import tensorflow as tf


def values(
    student: tf.Tensor, teacher: tf.Tensor, label: tf.Tensor, temperature: tf.Tensor
) -> tf.Tensor:
    """Return ``(student - teacher)^2``, the mean over the outputs, shape [n].

    Parameters
    ----------
    student, teacher : tf.Tensor
        Values [n, k].
    label, temperature : tf.Tensor
        Not used.
    """
    return tf.reduce_mean((student - teacher) ** 2, axis=1)
