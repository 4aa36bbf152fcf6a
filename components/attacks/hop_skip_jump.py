"""HopSkipJump: along the boundary, by decisions alone; no gradient and no score is needed.

Chen, Jordan and Wainwright 2020, HopSkipJumpAttack: a query-efficient decision-based attack.
"""

from __future__ import annotations

from typing import Any

import eagerpy
import numpy as np
import tensorflow as tf
from foolbox.attacks.hop_skip_jump import HopSkipJumpAttack

from components.attacks.victim import Victim

#: Steps, and decisions asked for in the first; the n-th takes the square root of n as many.
STEPS, QUERIES = 12, 100
#: Values of pixels that are drawn at once.
VALUES = 2**25


def foolbox(victim: Victim, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`.

    It starts from the nearest of the given images that the model puts into another class, and
    leaves an image as it is where there is none.
    """
    starts, found = _starts(victim.classes(images), images, labels)
    result = images.copy()
    if found.any():
        result[found] = (
            _Batched(victim, labels[found])
            .run(
                victim.foolbox,
                tf.constant(images[found]),
                tf.constant(labels[found]),
                starting_points=tf.constant(starts[found]),
            )
            .numpy()
        )
    return result


class _Batched(HopSkipJumpAttack):
    """Foolbox's attack with another estimate of the gradient.

    Foolbox 3.3.4 asks for one decision of each image at a time, and divides the estimate by the
    norm over the whole batch, so that the steps of an image shrink with the number of others.
    """

    def __init__(self, victim: Victim, labels: np.ndarray) -> None:
        super().__init__(steps=STEPS, initial_gradient_eval_steps=QUERIES)
        self._victim, self._labels = victim, labels

    def approximate_gradients(
        self, is_adversarial: Any, x_advs: Any, steps: int, delta: Any
    ) -> Any:
        """Return the direction of the boundary's normal at each image, of norm 1 [eq. 16]."""
        images = x_advs.raw
        one = (-1, *[1] * (len(images.shape) - 1))
        width = tf.reshape(delta.raw, one)
        signed, plain = tf.zeros_like(images), tf.zeros_like(images)
        total = np.zeros(len(images))
        size = max(1, VALUES // int(tf.size(images)))
        for start in range(0, steps, size):
            noise = tf.random.normal((min(size, steps - start), *images.shape))
            noise /= _norms(noise, start=2)
            points = tf.clip_by_value(images + width * noise, 0.0, 1.0)
            noise = (points - images) / width
            decided = self._victim.classes(tf.reshape(points, (-1, *images.shape[1:])).numpy())
            signs = np.where(decided.reshape(-1, len(images)) != self._labels, 1.0, -1.0)
            total += signs.sum(axis=0)
            shaped = signs.astype(np.float32).reshape(-1, len(images), *one[1:])
            signed += tf.reduce_sum(shaped * noise, axis=0)
            plain += tf.reduce_sum(noise, axis=0)
        mean = total / steps
        # Where all decisions agree, the noise itself tells the direction.
        mean = np.where(np.abs(mean) == 1.0, 0.0, mean).astype(np.float32)
        slope = signed - mean.reshape(one) * plain
        return eagerpy.astensor(slope / _norms(slope, start=1))


def _norms(values: tf.Tensor, start: int) -> tf.Tensor:
    axes = list(range(start, len(values.shape)))
    return tf.sqrt(tf.reduce_sum(values**2, axis=axes, keepdims=True)) + 1e-12


def _starts(
    predicted: np.ndarray, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    flat = images.reshape(len(images), -1)
    squares = (flat**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2.0 * flat @ flat.T
    distances[predicted[None, :] == labels[:, None]] = np.inf
    nearest = distances.argmin(axis=1)
    return images[nearest], np.isfinite(distances.min(axis=1))
