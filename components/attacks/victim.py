"""A classifier of images as the libraries of attacks take it."""

from __future__ import annotations

from collections.abc import Callable

import foolbox
import numpy as np
import tensorflow as tf
import tf_keras

from components.models.transformed import IMAGE, WHITE

#: Images of one pass at most, at least, and values of pixels in it.
MOST_ROWS, LEAST_ROWS, VALUES = 500, 8, 2**22


class Victim:
    """Logits [n, k] of pixels from 0 to 1.

    Parameters
    ----------
    model : callable
        Pixels from 0 to 1, float32 [n, h, w, c], to logits [n, k] with k > 1.

    Attributes
    ----------
    logits : callable
        The compiled model.
    foolbox : foolbox.TensorFlowModel
        The same for Foolbox.
    """

    def __init__(self, model: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self.logits = model
        self.foolbox = foolbox.TensorFlowModel(self.logits, bounds=(0, 1), device="/CPU:0")

    @classmethod
    def of(cls, model: tf_keras.Model) -> Victim:
        """Return a victim of a model that takes ``image``, pixels from 0 to 255.

        A model of two classes may put out one logit, that of the second class.
        """

        def logits(pixels: tf.Tensor) -> tf.Tensor:
            outputs = model({IMAGE: WHITE * pixels}, training=False)
            if outputs.shape[-1] == 1:
                outputs = tf.concat([tf.zeros_like(outputs), outputs], axis=1)
            return outputs

        return cls(tf.function(logits, reduce_retracing=True))

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Return the predicted class [n] of images [n, h, w, c] with pixels from 0 to 1."""
        rows = rows_of_pass(images)
        parts = [
            np.argmax(self.logits(tf.constant(images[i : i + rows], tf.float32)), axis=1)
            for i in range(0, len(images), rows)
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


def rows_of_pass(images: np.ndarray) -> int:
    """Return how many images of this size [n, h, w, c] fit into one pass."""
    return int(np.clip(VALUES // np.prod(images.shape[1:]), LEAST_ROWS, MOST_ROWS))
