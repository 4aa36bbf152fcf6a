"""The preprocessing function of images: encoded bytes in, pixels out."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import examples
from components.models.transformed import IMAGE, LABEL, Features, ImageFeature
from components.transform.preprocessing import Inputs, Outputs, Plan, dense, make_label

#: Pixels times channels of the images that are transformed at once.
BATCH_VALUES = 1 << 22


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing:
    """The preprocessing function of a data set of images.

    Its outputs are ``image``, float32 ``[n, height, width, channels]`` with whole numbers
    from 0 to 255 (TensorFlow Transform has no type of 8 bits), and ``label``, as of
    tables. It needs no pass over the data.

    Parameters
    ----------
    plan : Plan
        Gives the label.
    height, width, channels : int
        Of the images that come out.
    resize : bool
        Whether to resize what comes in; an image of another size is an error otherwise.
    """

    plan: Plan
    height: int
    width: int
    channels: int
    resize: bool

    def __call__(self, inputs: Inputs) -> Outputs:
        return {
            IMAGE: self._decode(dense(inputs[IMAGE], tf.string, "")[:, 0]),
            LABEL: make_label(inputs[self.plan.label], self.plan),
        }

    def _decode(self, encoded: tf.Tensor) -> tf.Tensor:
        shape = [self.height, self.width, self.channels]

        def decode(data: tf.Tensor) -> tf.Tensor:
            pixels = tf.io.decode_png(data, self.channels)  # JPEG, too
            if self.resize:
                pixels = tf.image.resize(pixels, shape[:2], antialias=True)
                pixels = tf.clip_by_value(tf.round(pixels), 0.0, 255.0)
            return tf.ensure_shape(tf.cast(pixels, tf.float32), shape)

        return tf.map_fn(decode, encoded, fn_output_signature=tf.TensorSpec(shape, tf.float32))

    @property
    def batch_rows(self) -> int:
        """Images that are transformed at once."""
        return max(1, min(examples.BATCH_ROWS, BATCH_VALUES // self._values))

    @property
    def _values(self) -> int:
        return self.height * self.width * self.channels

    def features(self, graph: tft.TFTransformOutput, train_dir: str) -> Features:
        """Return the description of what comes out.

        Parameters
        ----------
        graph : TFTransformOutput
        train_dir : str
            The transformed train split, whose pixels give mean and deviation. Their sums are
            of whole numbers, so that no order of the rows matters.
        """
        pixels, total, squares = 0, np.zeros(self.channels), np.zeros(self.channels)
        for batch in examples.read_split(train_dir, batch_rows=self.batch_rows):
            joined = b"".join(batch.column(IMAGE).flatten().to_pylist())
            values = np.frombuffer(joined, np.uint8).reshape(-1, self.channels)
            pixels += len(values)
            total += values.sum(axis=0, dtype=np.int64)
            squares += np.square(values, dtype=np.int64).sum(axis=0)
        mean = total / pixels
        variance = np.maximum(squares / pixels - mean**2, 0)
        return Features(
            image=ImageFeature(
                height=self.height,
                width=self.width,
                channels=self.channels,
                mean=tuple(mean.tolist()),
                deviation=tuple(math.sqrt(value) or 1.0 for value in variance.tolist()),
            ),
            label=self.plan.label,
            task=self.plan.task,
            classes=self.plan.classes,
        )
