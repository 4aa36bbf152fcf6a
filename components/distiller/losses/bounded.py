"""A regression teacher's error as the bound below which a student is left alone."""

from __future__ import annotations

import tensorflow as tf


def bounded(
    student: tf.Tensor, teacher: tf.Tensor, label: tf.Tensor, temperature: tf.Tensor
) -> tf.Tensor:
    """Return ``(student - label)^2`` where that exceeds the teacher's, and else 0; shape [n].

    A teacher's value can be anywhere, and so far off that its student had better not follow.
    This takes from it only how near the label one can hope to come.

    Parameters
    ----------
    student, teacher : tf.Tensor
        Values [n, 1].
    label : tf.Tensor
        Of each row, [n].
    temperature : tf.Tensor
        Not used.

    References
    ----------
    G. Chen, W. Choi, X. Yu, T. Han, M. Chandraker: Learning efficient object detection models
    with knowledge distillation. Advances in Neural Information Processing Systems 30, 2017,
    eq. 6, with margin 0.
    """
    own = (student[:, 0] - label) ** 2
    return tf.where(own > (teacher[:, 0] - label) ** 2, own, tf.zeros_like(own))
