"""Training of a model whose layers lie on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models import stepping
from components.models.distribution import config, devices
from components.models.distribution.base import Strategy
from components.models.distribution.config import SETTING
from components.models.distribution.gpipe.partitioning import partition, ranges


class ModelParallel(Strategy[config.ModelParallel]):
    """See `components.models.distribution.config.ModelParallel`.

    Each layer is what it was, with its variables and operations on a device of its own: the
    numbers are those of one device, to the last bit on devices of one kind.
    """

    def __init__(self, settings: config.ModelParallel) -> None:
        super().__init__(settings)
        self.devices = devices.set_up(settings.devices)

    def adapt(self, model: tf_keras.Model) -> tf_keras.Model:
        return place(model, self.devices)

    def fit(
        self, model: tf_keras.Model, training: tf.data.Dataset, *, batch_size: int, **arguments: Any
    ) -> None:
        stepping.fit(model, training, verbose=0, **arguments)


def place(model: tf_keras.Model, devices: Sequence[str]) -> tf_keras.Model:
    """Return a model with the same layers and weights, spread over `devices`.

    Raises
    ------
    InputError
        If there are fewer layers with weights than devices, or the model is not made of
        layers (Keras' functional interface).
    """
    if not model._is_graph_network:
        raise InputError(
            "Only a model of Keras' functional interface can be spread over devices.",
            setting=f"{SETTING}.strategy",
            got=type(model).__name__,
            remedy="Return tf_keras.Model(inputs, outputs) from trainer.build_model.",
        )
    layers = [layer for layer in model.layers if layer.weights]
    if len(layers) < len(devices):
        raise InputError(
            f"The model has fewer layers with weights than there are devices: {len(layers)}.",
            setting=f"{SETTING}.devices",
            expected=f"at most {len(layers)}",
            got=len(devices),
        )
    cuts = partition([layer.count_params() for layer in layers], len(devices))
    on = {
        layers[index].name: device
        for device, part in zip(devices, ranges(cuts, len(layers)), strict=True)
        for index in part
    }
    here = devices[0]
    for layer in model.layers:  # what has no weights stays with what was before it
        here = on.setdefault(layer.name, here)

    def placed(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        copy = type(layer).from_config(layer.get_config())
        # Keras' operations as layers take any arguments, and hold nothing.
        is_operation = type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda")
        return copy if is_operation else Placed(copy, on[layer.name])

    result = tf_keras.models.clone_model(model, clone_function=placed)
    result.set_weights(model.get_weights())
    return result


class Placed(tf_keras.layers.Wrapper):
    """A layer whose variables and operations are on one device.

    Parameters
    ----------
    layer : Layer
        Not built.
    device : str
    """

    def __init__(self, layer: tf_keras.layers.Layer, device: str) -> None:
        super().__init__(layer, name=layer.name)
        self.device = device

    def build(self, input_shape: Any) -> None:
        # The layer builds itself when it is called.
        self.built = True

    def call(self, inputs: Any) -> Any:
        with tf.device(self.device):
            return self.layer(inputs)
