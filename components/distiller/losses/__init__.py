"""What a student learns from a teacher's outputs: one loss a file, and the table of them.

A loss takes the outputs of both, the label and the temperature, and returns one number for
each row; 0 is perfect.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from components.distiller.losses.bounded import bounded
from components.distiller.losses.decoupled import decoupled
from components.distiller.losses.logits import logits
from components.distiller.losses.soft_targets import soft_targets
from components.distiller.losses.values import values

#: (student [n, k], teacher [n, k], label [n], temperature) -> [n].
Loss = Callable[..., tf.Tensor]

#: Losses on logits of at least two classes.
CLASSIFICATION: dict[str, Loss] = {
    "soft_targets": soft_targets,
    "logits": logits,
    "decoupled": decoupled,
}
#: Losses on values.
REGRESSION: dict[str, Loss] = {"values": values, "bounded": bounded}
#: All losses, by their names in the config.
LOSSES = {**CLASSIFICATION, **REGRESSION}


def as_logits(outputs: tf.Tensor) -> tf.Tensor:
    """Return the outputs of a classifier as logits of at least two classes.

    One logit is that of the second of two classes against the first: with 0 as the
    first's, the softmax of both is the sigmoid.

    Parameters
    ----------
    outputs : tf.Tensor
        [n, 1] or [n, k].
    """
    if outputs.shape[1] > 1:
        return outputs
    return tf.concat([tf.zeros_like(outputs), outputs], axis=1)
