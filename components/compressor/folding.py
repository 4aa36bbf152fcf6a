"""Networks of fewer layers with the same outputs.

What a batch normalization does to the output of a matrix or a convolution is folded into its
weights [Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", section 3.2], and a following ReLU becomes its activation. So
weights are clustered and quantized as they are computed with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor import rewriting

Layer = tf_keras.layers.Layer
layers = tf_keras.layers

#: Layers that a normalization is folded into, with their attribute that holds the weights.
LINEAR = {
    layers.Dense: "kernel",
    layers.Conv2D: "kernel",
    layers.DepthwiseConv2D: "depthwise_kernel",
}


def fold(model: tf_keras.Model) -> tf_keras.Model:
    """Return a network with layers and weights of its own, and nearly the same outputs.

    Layer normalizations become plain arithmetic, for which TF Lite takes a fraction of the
    operations. Names of layers remain.

    Parameters
    ----------
    model : tf_keras.Model
        Functional.
    """
    plan = _Plan(model)
    made: dict[str, Layer] = {}

    def make(layer: Layer, call: Callable[[Layer], tf.Tensor], first: tf.Tensor) -> tf.Tensor:
        if layer.name in plan.gone:
            return first
        if layer.name not in made:
            made[layer.name] = plan.copy(layer)
        return call(made[layer.name])

    folded = rewriting.rewritten(model, make)
    for name, layer in made.items():
        layer.set_weights(plan.weights(model.get_layer(name)))
    return folded


class _Plan:
    """What is folded into what."""

    def __init__(self, model: tf_keras.Model) -> None:
        places = rewriting.nodes(model)
        self._times = Counter(node.layer.name for node in places)
        self._uses = Counter(id(each) for node in places for each in node.keras_inputs)
        self._uses.update(id(each) for each in model.outputs)
        #: Names of the layers of which nothing remains.
        self.gone: set[str] = set()
        self._normalizations: dict[str, Layer] = {}
        self._activations: dict[str, str] = {}
        for node in places:
            self._look_at(node.layer, node.keras_inputs[0])

    def _look_at(self, layer: Layer, tensor: Any) -> None:
        """Fold a layer into the one that makes its input, if that can be done."""
        source = self._source(tensor)
        if source is None or self._times[layer.name] > 1:
            return
        if type(layer) is layers.BatchNormalization:
            channels = list(layer.axis) == [len(tensor.shape) - 1]
            if channels and source.name not in self._normalizations:
                self._normalizations[source.name] = layer
                self.gone.add(layer.name)
        elif type(layer) is layers.Activation and layer.activation is tf_keras.activations.relu:
            self._activations[source.name] = "relu"
            self.gone.add(layer.name)

    def _source(self, tensor: Any) -> Layer | None:
        """Return the linear layer that makes a tensor, if that is all that it is there for."""
        while self._uses[id(tensor)] == 1:
            layer = tensor.node.layer
            if layer.name not in self.gone:
                linear = type(layer) in LINEAR and (
                    layer.activation is tf_keras.activations.linear
                    and layer.name not in self._activations
                    and self._times[layer.name] == 1
                )
                return layer if linear else None
            tensor = tensor.node.keras_inputs[0]
        return None

    def copy(self, layer: Layer) -> Layer:
        changes: dict[str, Any] = {}
        if layer.name in self._normalizations:
            changes["use_bias"] = True
        if layer.name in self._activations:
            changes["activation"] = self._activations[layer.name]
        if type(layer) is layers.LayerNormalization and list(layer.axis) == [
            layer.get_input_at(0).shape.rank - 1
        ]:
            return PlainNormalization(layer.epsilon, layer.center, layer.scale, name=layer.name)
        return rewriting.copy_layer(layer, **changes)

    def weights(self, layer: Layer) -> list[np.ndarray]:
        """Return the weights of the copy of a layer."""
        normalization = self._normalizations.get(layer.name)
        if normalization is None:
            return layer.get_weights()
        kernel = getattr(layer, LINEAR[type(layer)]).numpy().astype(np.float64)
        mean, variance = (
            each.numpy().astype(np.float64)
            for each in (normalization.moving_mean, normalization.moving_variance)
        )
        factor = 1 / np.sqrt(variance + normalization.epsilon)
        if normalization.scale:
            factor = factor * normalization.gamma.numpy()
        bias = -mean if layer.bias is None else layer.bias.numpy() - mean
        bias = bias * factor
        if normalization.center:
            bias = bias + normalization.beta.numpy()
        if type(layer) is layers.DepthwiseConv2D:
            kernel = kernel * factor.reshape(kernel.shape[2:])
        else:
            kernel = kernel * factor
        return [kernel.astype(np.float32), bias.astype(np.float32)]


@tf_keras.utils.register_keras_serializable("modelworks")
class PlainNormalization(tf_keras.layers.Layer):
    """Layer normalization of [n, k] in plain arithmetic, with Keras' weights.

    Parameters
    ----------
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether an offset is learnt, and a factor.
    """

    def __init__(self, epsilon: float, center: bool, scale: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._settings = {"epsilon": epsilon, "center": center, "scale": scale}

    def build(self, shape: tf.TensorShape) -> None:
        width = shape[-1:]
        if self._settings["scale"]:
            self.gamma = self.add_weight(name="gamma", shape=width, initializer="ones")
        if self._settings["center"]:
            self.beta = self.add_weight(name="beta", shape=width, initializer="zeros")
        super().build(shape)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        centred = values - tf.reduce_mean(values, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        result = centred * tf.math.rsqrt(variance + self._settings["epsilon"])
        if self._settings["scale"]:
            result = result * self.gamma
        return result + self.beta if self._settings["center"] else result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._settings}
