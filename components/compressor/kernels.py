"""Which weights of a model are worth pruning one by one."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor.recipes.base import unsupported

#: Kind of layer -> its attribute that holds the weights. The kernels of depthwise convolutions
#: are not among them: they are few, and each is all that its channel has [Zhu & Gupta 2017
#: leave those of MobileNet whole].
ATTRIBUTES: dict[type[tf_keras.layers.Layer], str] = {
    tf_keras.layers.Dense: "kernel",
    tf_keras.layers.Conv2D: "kernel",
    tf_keras.layers.Embedding: "embeddings",
}
#: Kernels of fewer weights stay as they are. Zeros in them save less than what a file says of
#: each tensor beside its numbers, and where a layer has so few weights, they matter most.
FEW = 128


def kernel(layer: tf_keras.layers.Layer) -> tf.Variable:
    """Return the weights of a layer of one of the kinds in `ATTRIBUTES`."""
    return getattr(layer, ATTRIBUTES[type(layer)])


def prunable(model: tf_keras.Model, recipe: str) -> dict[str, tf_keras.layers.Layer]:
    """Return the layers, by name, whose kernels have at least `FEW` weights.

    Raises
    ------
    InputError
        If there is none.
    """
    found = {
        layer.name: layer
        for layer in model.layers
        if type(layer) in ATTRIBUTES and math.prod(kernel(layer).shape) >= FEW
    }
    if not found:
        raise unsupported(model.layers[-1], recipe)
    return found


def last(model: tf_keras.Model) -> set[str]:
    """Return the names of the layers with a kernel behind which there is no further one.

    Of a wide-and-deep network, those are the layers of the wide part and the last of the deep.
    """
    names, seen = set(), set()
    nodes = [output.node for output in model.outputs]
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if type(node.layer) in ATTRIBUTES:
            names.add(node.layer.name)
        else:
            nodes.extend(node.parent_nodes)
    return names


def zeros(layer: tf_keras.layers.Layer) -> float:
    """Return the share of a layer's kernel that is zero."""
    return float(np.mean(kernel(layer).numpy() == 0))
