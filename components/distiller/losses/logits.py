"""The teacher's logits as targets."""

from __future__ import annotations

import tensorflow as tf


def logits(
    student: tf.Tensor, teacher: tf.Tensor, label: tf.Tensor, temperature: tf.Tensor
) -> tf.Tensor:
    """Return ``|(s - mean s) - (t - mean t)|^2 / 2k`` of logits s and t, shape [n].

    Ba and Caruana match logits as they are. But adding a number to all logits of a row
    changes no probability, so that it is left out here. The result is then what
    `soft_targets` tends to at high temperatures (Hinton et al. 2015, section 2.1).

    Parameters
    ----------
    student, teacher : tf.Tensor
        Logits [n, k], k at least 2.
    label, temperature : tf.Tensor
        Not used.

    References
    ----------
    J. Ba, R. Caruana: Do deep nets really need to be deep? Advances in Neural Information
    Processing Systems 27, 2014.
    """
    difference = student - teacher
    centred = difference - tf.reduce_mean(difference, axis=1, keepdims=True)
    return tf.reduce_mean(centred**2, axis=1) / 2
