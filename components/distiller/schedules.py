"""Numbers that change over a training: the temperature, and the weight of the teacher."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from components.distiller.config import Scheduled

#: Share of the way from start to end, by the share of the training that is done.
CURVES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "constant": tf.zeros_like,
    "linear": lambda done: done,
    "cosine": lambda done: (1 - tf.cos(math.pi * done)) / 2,
}


def value(number: Scheduled, done: tf.Tensor) -> tf.Tensor:
    """Return a number when the share `done`, in [0, 1], of the training is done."""
    done = tf.clip_by_value(tf.cast(done, tf.float32), 0.0, 1.0)
    return number.start + (number.end - number.start) * CURVES[number.schedule](done)
