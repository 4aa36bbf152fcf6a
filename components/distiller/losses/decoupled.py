"""Soft targets in two parts: how sure the teacher is, and what it takes for alike."""

from __future__ import annotations

import tensorflow as tf

#: Added to a logit that is left out of a softmax.
_LEFT_OUT = -1e9


def decoupled(
    student: tf.Tensor,
    teacher: tf.Tensor,
    label: tf.Tensor,
    temperature: tf.Tensor,
    *,
    alpha: float | tf.Tensor = 1.0,
    beta: float | tf.Tensor = 8.0,
) -> tf.Tensor:
    """Return ``T^2 (alpha TCKD + beta NCKD)``, shape [n].

    TCKD is the divergence of the probabilities "the class of the label" and "any other";
    NCKD that of the probabilities of the other classes among themselves. `soft_targets` is
    the case alpha = 1 and beta = the teacher's (softened) probability of another class: it
    hardly hears what a sure teacher knows of the other classes. Of two classes, there is
    one other, and NCKD is 0.

    Parameters
    ----------
    student, teacher : tf.Tensor
        Logits [n, k], k at least 2.
    label : tf.Tensor
        Index of the class [n]; -1 where there is none, which takes the teacher's most
        probable class.
    temperature : tf.Tensor
        Scalar, above 0.
    alpha, beta : float or tf.Tensor
        Weights; a tensor has one for each row, [n].

    References
    ----------
    B. Zhao, Q. Cui, R. Song, Y. Qiu, J. Liang: Decoupled knowledge distillation. IEEE
    Conference on Computer Vision and Pattern Recognition, 2022.
    """
    label = tf.cast(label, tf.int64)
    target = tf.where(label < 0, tf.argmax(teacher, axis=1), label)
    mask = tf.one_hot(target, tf.shape(teacher)[1], dtype=teacher.dtype)
    log_p, log_p_others = _parts(teacher / temperature, mask)
    log_q, log_q_others = _parts(student / temperature, mask)
    sure = tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=1)
    others = tf.exp(log_p_others) * (log_p_others - log_q_others)
    alike = tf.reduce_sum(others * (1 - mask), axis=1)
    return temperature**2 * (alpha * sure + beta * alike)


def _parts(logits: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return log probabilities: [n, 2] of target and others, and [n, k] among the others."""
    without = logits + mask * _LEFT_OUT
    others = tf.reduce_logsumexp(without, axis=1)
    target = tf.reduce_sum(logits * mask, axis=1)
    binary = tf.nn.log_softmax(tf.stack([target, others], axis=1))
    return binary, tf.nn.log_softmax(without)
