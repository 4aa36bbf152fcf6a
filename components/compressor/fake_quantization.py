"""Nodes of simulated 8-bit integers in a network, from which TF Lite's converter takes scales.

The wrapper of layers and the arithmetic of the nodes are TensorFlow Model Optimization's. Where the
nodes go is told here: each kernel gets one, and the output of each operation that has a
scale of its own in TF Lite.

Notes
-----
TensorFlow Model Optimization's own choice of places knows no embeddings, so that the largest
table of a network on tables stays float; takes the range of an input from its farthest outlier;
and keeps what it begins with, -6 to 6, for most of the range of activations in a training of less
than some thousand steps. Its collaborative forms lose zeros and clusters of a matrix that feeds
a concatenation, and, in a network that has one layer without zeros, those of all the layers after
it, which share one quantizer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow_model_optimization.python.core.quantization.keras import (
    quant_ops,
    quantize_config,
    quantize_layer,
    quantize_wrapper,
    quantizers,
)

from components.compressor import rewriting
from components.compressor.folding import PlainNormalization
from components.compressor.patterns import Pattern
from components.compressor.recipes.base import Arrays
from components.models import ensemble, image_architectures
from components.models.architectures import SumFeatures

Layer = tf_keras.layers.Layer
layers = tf_keras.layers

#: Kinds of layers with a kernel, and its attribute.
KERNELS: dict[type[Layer], str] = {
    layers.Dense: "kernel",
    layers.Conv2D: "kernel",
    layers.DepthwiseConv2D: "depthwise_kernel",
    layers.Embedding: "embeddings",
}
#: Kinds of layers whose output has a scale of its own. The others (pooling, flattening, gathers)
#: put out numbers that they take.
SCALED: tuple[type[Layer], ...] = (
    layers.Dense,
    layers.Conv2D,
    layers.DepthwiseConv2D,
    layers.Add,
    layers.Multiply,
    layers.Concatenate,
    layers.Activation,
    layers.GlobalAveragePooling2D,
    SumFeatures,
    PlainNormalization,
    ensemble.WeightedSum,
    image_architectures.ScalePixels,
)
#: Share of the range of activations that each batch leaves.
RANGE_MOMENTUM = 0.98
#: Smallest end of a range: a scale of nothing is none.
_SMALLEST = 1e-6


class ActivationRange(quantizers.MovingAverageQuantizer):
    """Simulates 8-bit activations, over a moving average of the ranges of batches."""

    def __init__(self) -> None:
        super().__init__(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)

    # No branch is on a tensor, and AutoGraph takes a third of the tracing to find that out.
    @tf.autograph.experimental.do_not_convert
    def __call__(
        self, inputs: tf.Tensor, training: bool, weights: Mapping[str, tf.Variable], **_: Any
    ) -> tf.Tensor:
        return quant_ops.MovingAvgQuantize(
            inputs,
            weights["min_var"],
            weights["max_var"],
            ema_decay=RANGE_MOMENTUM,
            is_training=training,
            num_bits=8,
        )


class Nodes(quantize_config.QuantizeConfig):
    """Which nodes a layer gets.

    Parameters
    ----------
    kernel : str or None
        Attribute that holds the kernel.
    per_channel : bool
        Whether each output channel of the kernel has a scale of its own.
    output : bool
        Whether the output gets one.
    """

    def __init__(self, kernel: str | None, per_channel: bool, output: bool) -> None:
        self.kernel, self.per_channel, self.output = kernel, per_channel, output

    def get_weights_and_quantizers(self, layer: Layer) -> list[Any]:
        if self.kernel is None:
            return []
        quantizer = quantizers.LastValueQuantizer(
            num_bits=8, per_axis=self.per_channel, symmetric=True, narrow_range=True
        )
        return [(getattr(layer, self.kernel), quantizer)]

    def set_quantize_weights(self, layer: Layer, quantize_weights: list[tf.Tensor]) -> None:
        for weights in quantize_weights:
            setattr(layer, self.kernel, weights)

    def get_activations_and_quantizers(self, layer: Layer) -> list[Any]:
        return []

    def set_quantize_activations(self, layer: Layer, quantize_activations: list[Any]) -> None:
        """Do nothing: activations are simulated at the outputs of layers."""

    def get_output_quantizers(self, layer: Layer) -> list[Any]:
        return [ActivationRange()] if self.output else []

    def get_config(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "per_channel": self.per_channel, "output": self.output}


def add(
    model: tf_keras.Model, patterns: Mapping[str, Pattern | None], sample: Arrays
) -> tf_keras.Model:
    """Return a network with the same weights and with nodes of simulated 8-bit integers.

    Parameters
    ----------
    model : tf_keras.Model
        A folded one; see `components.compressor.folding`.
    patterns : mapping
        By the name of a layer, what training has to keep of its kernel. A clustered kernel gets
        one scale, so that its values are the same integers in all channels.
    sample : dict of array
        Features of some rows; the ranges of their activations are those to begin with.
    """
    plain = _with_separate_activations(model)
    inside = _inside_operations(plain)

    def enter(name: str, tensor: tf.Tensor) -> tf.Tensor:
        if tensor.dtype != tf.float32 or tensor.shape.rank != 2:
            return tensor
        return quantize_layer.QuantizeLayer(ActivationRange(), name=f"{name}_range")(tensor)

    def make(layer: Layer, call: Callable[[Layer], tf.Tensor], first: tf.Tensor) -> tf.Tensor:
        kind, pattern = type(layer), patterns.get(layer.name)
        copy = rewriting.copy_constrained(layer, pattern)
        if layer.weights:
            copy.build(first.shape)
            copy.set_weights(layer.get_weights())
        nodes = Nodes(
            KERNELS.get(kind),
            per_channel=kind is layers.Conv2D and not (pattern and pattern.clusters),
            output=kind in SCALED and layer.name not in inside,
        )
        if nodes.kernel is None and not nodes.output:
            return call(copy)
        return call(quantize_wrapper.QuantizeWrapperV2(copy, nodes))

    made = rewriting.rewritten(plain, make, enter)
    _begin(made, plain, sample)
    fit_kernels(made)
    return made


def fit_kernels(model: tf_keras.Model) -> None:
    """Give the nodes of kernels the ranges of the kernels.

    A training step takes them from the kernels as they are before it.
    """
    for layer in _wrapped(model):
        for kernel, quantizer, ends in layer._weight_vars:
            sizes = np.abs(kernel.numpy())
            largest = sizes.max(axis=tuple(range(sizes.ndim - 1)) if quantizer.per_axis else None)
            largest = np.maximum(largest, _SMALLEST)
            ends["min_var"].assign(-largest)
            ends["max_var"].assign(largest)


def kernels(model: tf_keras.Model) -> dict[str, np.ndarray]:
    """Return the kernels behind the nodes by the names of their layers."""
    return {
        layer.layer.name: kernel.numpy()
        for layer in _wrapped(model)
        for kernel, _, _ in layer._weight_vars
    }


def _wrapped(model: tf_keras.Model) -> list[quantize_wrapper.QuantizeWrapperV2]:
    return [
        layer for layer in model.layers if isinstance(layer, quantize_wrapper.QuantizeWrapperV2)
    ]


def _with_separate_activations(model: tf_keras.Model) -> tf_keras.Model:
    """Return a network with a layer for each activation that TF Lite has no fused one for."""
    copies: dict[str, Layer] = {}

    def make(layer: Layer, call: Callable[[Layer], tf.Tensor], first: tf.Tensor) -> tf.Tensor:
        activation = getattr(layer, "activation", None)
        fused = (tf_keras.activations.linear, tf_keras.activations.relu)
        if type(layer) not in KERNELS or activation is None or activation in fused:
            copies[layer.name] = rewriting.copy_layer(layer)
            return call(copies[layer.name])
        copies[layer.name] = rewriting.copy_layer(layer, activation="linear")
        name = f"{layer.name}_activation"
        return layers.Activation(activation, name=name)(call(copies[layer.name]))

    made = rewriting.rewritten(model, make)
    for name, copy in copies.items():
        copy.set_weights(model.get_layer(name).get_weights())
    return made


def _inside_operations(model: tf_keras.Model) -> set[str]:
    """Return the names of sums with a ReLU of their own: for TF Lite both are one operation."""
    places = rewriting.nodes(model)
    uses = Counter(id(each) for node in places for each in node.keras_inputs)
    return {
        node.keras_inputs[0].node.layer.name
        for node in places
        if type(node.layer) is layers.Activation
        and node.layer.activation is tf_keras.activations.relu
        and type(node.keras_inputs[0].node.layer) is layers.Add
        and uses[id(node.keras_inputs[0])] == 1
    }


def _begin(model: tf_keras.Model, plain: tf_keras.Model, sample: Arrays) -> None:
    """Give the nodes of activations the ranges that they have in the network without nodes."""
    ends: dict[str, dict[str, tf.Variable]] = {}
    tensors: dict[str, tf.Tensor] = {}
    for layer in model.layers:
        if isinstance(layer, quantize_layer.QuantizeLayer):
            name = layer.name.removesuffix("_range")
            ends[name], tensors[name] = layer.quantizer_vars, plain.get_layer(name).output
        elif isinstance(layer, quantize_wrapper.QuantizeWrapperV2) and layer._output_quantizers:
            name = layer.layer.name
            ends[name], tensors[name] = layer._output_quantizer_vars, plain.get_layer(name).output
    found = tf_keras.Model(plain.inputs, tensors).predict(sample, verbose=0)
    for name, values in found.items():
        ends[name]["min_var"].assign(min(float(values.min()), 0.0))
        ends[name]["max_var"].assign(max(float(values.max()), _SMALLEST))
