"""Architectures on images: pixels and hyperparameters -> an uncompiled model.

Every model takes ``{"image": float32 [n, height, width, channels]}``, pixels from 0 to 255
(integers are cast), and returns one output per class or target: logits for classification,
values for regression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import IMAGE, WHITE, ImageFeature

Body = Callable[[tf.Tensor, ImageHyperParameters], tf.Tensor]

#: Share of a batch normalization's moving statistics that each batch leaves; see
#: `components.models.architectures.BATCH_MOMENTUM`.
BATCH_MOMENTUM = 0.9


def lenet300(x: tf.Tensor, hp: ImageHyperParameters) -> tf.Tensor:
    """LeNet-300-100: two dense layers on all pixels [LeCun et al. 1998, Han et al. 2016].

    With the output layer, 266,610 parameters for MNIST's 28 x 28 pixels and 10 classes.
    """
    x = tf_keras.layers.Flatten(name="pixels")(x)
    x = _dense(300, hp, name="hidden_0", activation="relu")(x)
    x = _dropout(x, hp, 0)
    x = _dense(100, hp, name="hidden_1", activation="relu")(x)
    return _dropout(x, hp, 1)


def lenet5(x: tf.Tensor, hp: ImageHyperParameters) -> tf.Tensor:
    """LeNet-5 in Caffe's form, which Deep Compression [Han et al. 2016] is measured on.

    Two convolutions of 5 x 5 without activation, each followed by a maximum over 2 x 2, and
    a dense layer: with the output layer, 431,080 parameters for MNIST's 28 x 28
    pixels and 10 classes.

    Raises
    ------
    InputError
        For images of less than 16 x 16 pixels.
    """
    smallest = 16
    if min(x.shape[1:3]) < smallest:
        raise InputError(
            "The images are too small for lenet5.",
            setting="trainer.model.architecture",
            expected=f"at least {smallest} x {smallest} pixels",
            got=f"{x.shape[1]} x {x.shape[2]}",
            remedy="Take the architecture cnn, or set data.image_size.",
        )
    for index, filters in enumerate((20, 50)):
        x = _convolution(x, filters, 5, hp, name=f"convolution_{index}", padding="valid")
        x = tf_keras.layers.MaxPooling2D(name=f"pool_{index}")(x)
    x = _dropout(tf_keras.layers.Flatten(name="flat")(x), hp, 0)
    x = _dense(500, hp, name="hidden", activation="relu")(x)
    return _dropout(x, hp, 1)


def cnn(x: tf.Tensor, hp: ImageHyperParameters) -> tf.Tensor:
    """Stages of equal cells on a first convolution, and the mean over all places of the last.

    Each convolution is normalized before its activation, so that the normalization can be
    folded into it. A stage but the first begins with a stride of 2, as long as there
    are places left to halve.
    """
    x = _normalized(_convolution(x, hp.filters, hp.kernel, hp, name="stem"), hp, "stem")
    x = tf_keras.layers.Activation("relu", name="stem_activation")(x)
    for stage in range(hp.stages):
        for cell in range(hp.cells):
            first = stage > 0 and cell == 0
            strides = tuple(2 if first and size > 1 else 1 for size in x.shape[1:3])
            stride = max(strides)
            x = CELLS[hp.cell](x, hp.filters << stage, stride, hp, f"stage_{stage}_{cell}")
    x = tf_keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return _dropout(x, hp, 0)


def _plain_cell(
    x: tf.Tensor, filters: int, stride: int, hp: ImageHyperParameters, name: str
) -> tf.Tensor:
    """Two convolutions [Simonyan & Zisserman 2015]."""
    for index, step in enumerate((stride, 1)):
        part = f"{name}_{index}"
        x = _normalized(_convolution(x, filters, hp.kernel, hp, name=part, stride=step), hp, part)
        x = tf_keras.layers.Activation("relu", name=f"{part}_activation")(x)
    return x


def _residual_cell(
    x: tf.Tensor, filters: int, stride: int, hp: ImageHyperParameters, name: str
) -> tf.Tensor:
    """Two convolutions beside a shortcut [He et al. 2016]."""
    y = _convolution(x, filters, hp.kernel, hp, name=f"{name}_0", stride=stride)
    y = tf_keras.layers.Activation("relu", name=f"{name}_0_activation")(
        _normalized(y, hp, f"{name}_0")
    )
    y = _normalized(_convolution(y, filters, hp.kernel, hp, name=f"{name}_1"), hp, f"{name}_1")
    return _add(x, y, stride, hp, name)


def _depthwise_cell(
    x: tf.Tensor, filters: int, stride: int, hp: ImageHyperParameters, name: str
) -> tf.Tensor:
    """A convolution of each channel by itself, then one of 1 x 1 [Howard et al. 2017]."""
    y = tf_keras.layers.DepthwiseConv2D(
        hp.kernel,
        strides=stride,
        padding="same",
        use_bias=hp.normalization == "none",
        depthwise_initializer="he_normal",
        depthwise_regularizer=_penalty(hp),
        name=f"{name}_depthwise",
    )(x)
    y = tf_keras.layers.Activation("relu", name=f"{name}_depthwise_activation")(
        _normalized(y, hp, f"{name}_depthwise")
    )
    y = _normalized(_convolution(y, filters, 1, hp, name=f"{name}_point"), hp, f"{name}_point")
    return _add(x, y, stride, hp, name)


def _add(x: tf.Tensor, y: tf.Tensor, stride: int, hp: ImageHyperParameters, name: str) -> tf.Tensor:
    """Return ``relu(x + y)``, after a projection of x to the shape of y where they differ."""
    if stride > 1 or x.shape[-1] != y.shape[-1]:
        part = f"{name}_shortcut"
        x = _convolution(x, y.shape[-1], 1, hp, name=part, stride=stride)
        x = _normalized(x, hp, part)
    x = tf_keras.layers.Add(name=name)([x, y])
    return tf_keras.layers.Activation("relu", name=f"{name}_activation")(x)


CELLS: dict[str, Callable[[tf.Tensor, int, int, ImageHyperParameters, str], tf.Tensor]] = {
    "plain": _plain_cell,
    "residual": _residual_cell,
    "depthwise": _depthwise_cell,
}

ARCHITECTURES: dict[str, Body] = {"lenet300": lenet300, "lenet5": lenet5, "cnn": cnn}


def build(
    hp: ImageHyperParameters,
    image: ImageFeature,
    *,
    outputs: int,
    target_mean: float = 0.0,
    target_deviation: float = 1.0,
) -> tf_keras.Model:
    """Return an uncompiled model.

    Parameters
    ----------
    hp : ImageHyperParameters
    image : ImageFeature
        What the images are.
    outputs : int
        Width of the output: 1 for binary classification and regression, else the number
        of classes.
    target_mean, target_deviation : float
        Moments of a regression's target: the last layer scales its output by them.

    Raises
    ------
    InputError
        If the images are too small for the architecture.
    """
    pixels = tf_keras.Input(image.shape, dtype=tf.float32, name=IMAGE)
    if hp.scaling == "standard":
        scale = ScalePixels(image.mean, image.deviation, name="scaled")
    else:
        scale = ScalePixels([0.0], [WHITE], name="scaled")
    x = ARCHITECTURES[hp.architecture](scale(pixels), hp)
    x = _dense(outputs, hp, name="outputs")(x)
    if (target_mean, target_deviation) != (0.0, 1.0):
        x = tf_keras.layers.Rescaling(target_deviation, target_mean, name="target")(x)
    return tf_keras.Model({IMAGE: pixels}, x, name=hp.architecture)


@tf_keras.utils.register_keras_serializable("modelworks")
class ScalePixels(tf_keras.layers.Layer):
    """Subtracts a constant of each channel, and divides by another.

    Parameters
    ----------
    mean, deviation : sequence of float
        One of each channel, or one for all.
    """

    def __init__(
        self, mean: Sequence[float], deviation: Sequence[float], **arguments: object
    ) -> None:
        super().__init__(**arguments)
        self.mean = list(mean)
        self.deviation = list(deviation)

    def call(self, pixels: tf.Tensor) -> tf.Tensor:
        # One multiplication and one addition, with constants of full precision.
        factor = 1.0 / np.array(self.deviation)
        offset = -np.array(self.mean) * factor
        return pixels * tf.constant(factor, tf.float32) + tf.constant(offset, tf.float32)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "mean": self.mean, "deviation": self.deviation}


def _convolution(
    x: tf.Tensor,
    filters: int,
    kernel: int,
    hp: ImageHyperParameters,
    *,
    name: str,
    stride: int = 1,
    padding: str = "same",
) -> tf.Tensor:
    if kernel == 1 and stride > 1:
        # The same numbers. But the gradient of a strided convolution of 1 x 1 writes beyond its
        # memory in TensorFlow 2.21 with oneDNN, for some numbers of rows and filters.
        x = tf_keras.layers.MaxPooling2D(1, strides=stride, name=f"{name}_places")(x)
        stride = 1
    normalized = hp.architecture == "cnn" and hp.normalization == "batch"
    return tf_keras.layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=not normalized,
        kernel_initializer="he_normal" if hp.architecture == "cnn" else "glorot_uniform",
        kernel_regularizer=_penalty(hp),
        name=name,
    )(x)


def _normalized(x: tf.Tensor, hp: ImageHyperParameters, name: str) -> tf.Tensor:
    if hp.normalization == "none":
        return x
    return tf_keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, name=f"{name}_norm")(x)


def _dense(
    units: int, hp: ImageHyperParameters, *, name: str, activation: str | None = None
) -> tf_keras.layers.Dense:
    return tf_keras.layers.Dense(
        units, activation=activation, kernel_regularizer=_penalty(hp), name=name
    )


def _dropout(x: tf.Tensor, hp: ImageHyperParameters, index: int) -> tf.Tensor:
    if not hp.dropout:
        return x
    # A stateful generator is part of the checkpoint, so that a resumed training draws the
    # masks that an undisturbed one would have drawn.
    return tf_keras.layers.Dropout(
        hp.dropout, seed=index, rng_type="stateful", name=f"dropout_{index}"
    )(x)


def _penalty(hp: ImageHyperParameters) -> tf_keras.regularizers.Regularizer | None:
    return tf_keras.regularizers.L2(hp.l2) if hp.l2 else None
