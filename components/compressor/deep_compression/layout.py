"""How the weights of a model are looked at: which axes they have, and what is known of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import tensorflow as tf
import tf_keras

#: ``[height, width, channels, units]``.
Shape = tuple[int, int, int, int]

_layers = tf_keras.layers
#: Layers whose output has the channels of their input.
_TRANSPARENT = (
    _layers.Activation,
    _layers.ReLU,
    _layers.BatchNormalization,
    _layers.Dropout,
    _layers.Flatten,
    _layers.MaxPooling2D,
    _layers.AveragePooling2D,
    _layers.GlobalAveragePooling2D,
    _layers.ZeroPadding2D,
)
#: Names of weights that are matrices or filters.
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel", "embeddings")


@dataclass(frozen=True)
class Slot:
    """The place of one weight in a model.

    Attributes
    ----------
    variable : tf.Variable
    shape : tuple of int
        ``[height, width, channels, units]``, of as many values as the variable. A dense layer
        behind a flattened image has the image's axes.
    channels_of : int or None
        Index of an earlier slot whose units are this one's channels.
    units_of : int or None
        Index of an earlier slot whose units are this one's units: of a bias, its kernel.
    """

    variable: tf.Variable
    shape: Shape
    channels_of: int | None = None
    units_of: int | None = None

    @property
    def is_kernel(self) -> bool:
        """Whether it is a matrix or filters, rather than a bias or a normalization's."""
        return short_name(self.variable) in KERNELS


def short_name(variable: tf.Variable) -> str:
    """Return the name of a weight within its layer, such as ``kernel``."""
    return str(variable.name.rsplit("/", 1)[-1].split(":")[0])


def slots(model: tf_keras.Model) -> list[Slot]:
    """Return the slots of all weights, in the order of ``model.weights``."""
    layer_of = {
        id(variable): layer
        for layer in model._flatten_layers(include_self=False)
        for variable in layer._trainable_weights + layer._non_trainable_weights
    }
    found: list[Slot] = []
    kernel_of: dict[int, int] = {}
    for index, variable in enumerate(model.weights):
        layer = layer_of.get(id(variable))
        shape = _shape(variable, layer)
        channels_of = units_of = None
        if layer is not None and short_name(variable) in KERNELS:
            source = _source(layer, kernel_of)
            if source is not None and found[source].shape[3] == shape[2]:
                channels_of = source
            kernel_of[id(layer)] = index
        elif layer is not None and id(layer) in kernel_of:
            own = kernel_of[id(layer)]
            if found[own].shape[3] == shape[3]:
                units_of = own
        found.append(Slot(variable, shape, channels_of, units_of))
    return found


def _shape(variable: tf.Variable, layer: tf_keras.layers.Layer | None) -> Shape:
    sizes = [int(size) for size in variable.shape]
    if len(sizes) == 2 and isinstance(layer, _layers.Dense):
        image = _image_before(layer)
        if image is not None and math.prod(image) == sizes[0]:
            return (*image, sizes[1])
    height, width, channels, units = (
        [1] * (4 - len(sizes)) + sizes
        if len(sizes) < 5
        else (
            1,
            math.prod(sizes[:-2]),
            *sizes[-2:],
        )
    )
    return height, width, channels, units


def _before(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer | None:
    """Return the one layer that a layer takes its input from, if it is one."""
    if len(layer.inbound_nodes) != 1:
        return None
    source = layer.inbound_nodes[0].inbound_layers
    return source if isinstance(source, tf_keras.layers.Layer) else None


def _image_before(layer: tf_keras.layers.Layer) -> tuple[int, int, int] | None:
    """Return the shape of the image that was flattened before a layer."""
    source = _before(layer)
    while isinstance(source, (_layers.Activation, _layers.Dropout)):
        source = _before(source)
    if not isinstance(source, _layers.Flatten) or len(source.input_shape) != 4:
        return None
    height, width, channels = source.input_shape[1:]
    return height, width, channels


def _source(layer: tf_keras.layers.Layer, kernel_of: dict[int, int]) -> int | None:
    """Return the slot of the kernel whose output a layer takes."""
    source = _before(layer)
    while isinstance(source, _TRANSPARENT):
        source = _before(source)
    return None if source is None else kernel_of.get(id(source))
