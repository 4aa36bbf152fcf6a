"""Random changes of training images that leave their labels true.

What happens to an image depends on the seed, the epoch and its row alone: not on the order of
the rows, and not on what was drawn before. A training that is resumed then sees what an
undisturbed one would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from components.models.hyperparameters import ImageHyperParameters

#: Random numbers that are drawn for each row: shift down and right, rotation, mirroring.
DRAWS = 4
#: Keeps these draws apart from those of the order of the rows, which have the same seed.
_STREAM = 0x5DEECE66D


@dataclass(frozen=True)
class Augmentation:
    """How images are changed.

    Attributes
    ----------
    seed : int
    shift : float
        Largest shift, as a share of the height and of the width, in [0, 1). Without a
        rotation, images are shifted by whole pixels, which blurs nothing.
    rotation : float
        Largest rotation, in radians.
    flip : bool
        Whether every other image is mirrored, left and right.
    """

    seed: int
    shift: float = 0.0
    rotation: float = 0.0
    flip: bool = False

    def draw(self, epoch: tf.Tensor, rows: int) -> tf.Tensor:
        """Return the random numbers of each row in an epoch, float32 ``[rows, DRAWS]``.

        Each is in [-1, 1). Only `apply` knows what they mean.
        """
        seed = tf.stack([tf.cast(self.seed ^ _STREAM, tf.int64), tf.cast(epoch, tf.int64)])
        return tf.random.stateless_uniform([rows, DRAWS], seed, -1.0, 1.0)

    def apply(self, images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Return images, each changed as its random numbers say.

        What comes into view from beyond an edge has the colour of the edge.

        Parameters
        ----------
        images : tensor
            Shape ``[n, height, width, channels]``; whole numbers, of uint8 or float32.
        draws : tensor
            Rows of what `draw` returns, ``[n, DRAWS]``.

        Returns
        -------
        tensor
            Of the same shape and type.

        Notes
        -----
        Each pixel of the output is read where an affine map sends it, with bilinear
        interpolation: about the centre, the rotation (and mirroring) of the place less the
        shift.
        """
        height, width = images.shape[1], images.shape[2]
        down, right = draws[:, 0] * self.shift * height, draws[:, 1] * self.shift * width
        if not self.rotation:
            down, right = tf.round(down), tf.round(right)
        angle = draws[:, 2] * self.rotation
        mirror = tf.where(draws[:, 3] < 0, -1.0, 1.0) if self.flip else tf.ones_like(angle)
        cosine, sine = tf.cos(angle), tf.sin(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        # (column, row) -> mirror * (cosine, -sine), (sine, cosine), about the centre.
        a, b = mirror * cosine, -mirror * sine
        from_x, from_y = x + right, y + down
        zero = tf.zeros_like(angle)
        transforms = tf.stack(
            [
                a,
                b,
                x - a * from_x - b * from_y,
                sine,
                cosine,
                y - sine * from_x - cosine * from_y,
                zero,
                zero,
            ],
            axis=1,
        )
        # Interpolated values are rounded; the operation itself would cut them off.
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32) if self.rotation else images,
            transforms=transforms,
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR" if self.rotation else "NEAREST",
            fill_mode="NEAREST",
        )
        return tf.cast(tf.round(moved), images.dtype) if self.rotation else moved


_KINDS: dict[str, Callable[[ImageHyperParameters, int], Augmentation | None]] = {
    "none": lambda hp, seed: None,
    "shift": lambda hp, seed: Augmentation(seed, hp.shift),
    "shift_rotate": lambda hp, seed: Augmentation(seed, hp.shift, math.radians(hp.rotation)),
    "flip": lambda hp, seed: Augmentation(seed, hp.shift, flip=True),
}


def make(hp: ImageHyperParameters, seed: int) -> Augmentation | None:
    """Return the augmentation that `hp` asks for; None where images stay as they are.

    ``shift`` moves them, ``shift_rotate`` turns them too, ``flip`` moves and mirrors them.
    """
    return _KINDS[hp.augmentation](hp, seed)
