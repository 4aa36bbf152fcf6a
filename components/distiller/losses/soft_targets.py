"""The teacher's probabilities, softened by a temperature, as targets."""

from __future__ import annotations

import tensorflow as tf


def soft_targets(
    student: tf.Tensor, teacher: tf.Tensor, label: tf.Tensor, temperature: tf.Tensor
) -> tf.Tensor:
    """Return ``T^2 KL(softmax(teacher / T) | softmax(student / T))``, shape [n].

    It differs from the cross-entropy of the paper by the entropy of the teacher, which has no
    gradient: here, 0 is perfect. The factor keeps the size of the gradient when T changes.

    Parameters
    ----------
    student, teacher : tf.Tensor
        Logits [n, k], k at least 2.
    label : tf.Tensor
        Not used.
    temperature : tf.Tensor
        Scalar, above 0.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean: Distilling the knowledge in a neural network. NIPS
    Deep Learning Workshop, 2015. arXiv:1503.02531.
    """
    log_p = tf.nn.log_softmax(teacher / temperature)
    log_q = tf.nn.log_softmax(student / temperature)
    return temperature**2 * tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=1)
