"""Networks made anew, node by node, with other layers in the places of some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tf_keras

Layer = tf_keras.layers.Layer
#: Takes a layer, a function that applies another layer in its place, and the first input there;
#: returns what stands in its place.
Make = Callable[[Layer, Callable[[Layer], tf.Tensor], tf.Tensor], tf.Tensor]

#: Names of the constraints of kernels, among the settings of layers.
_CONSTRAINTS = ("kernel_constraint", "depthwise_constraint", "embeddings_constraint")


def rewritten(
    model: tf_keras.Model,
    make: Make,
    enter: Callable[[str, tf.Tensor], tf.Tensor] = lambda name, tensor: tensor,
) -> tf_keras.Model:
    """Return a network with the layers that `make` puts in the places of a network's.

    Parameters
    ----------
    model : tf_keras.Model
        Functional, with one output. It is not changed.
    make : callable
        Is called for each place of each layer but inputs, in the order of computation.
    enter : callable
        Takes the name of an input and the input, and returns what the layers see of it.
    """
    names = [tensor.node.layer.name for tensor in model.inputs]
    inputs = {
        name: tf_keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in zip(names, model.inputs, strict=True)
    }
    made = {
        id(tensor): enter(name, inputs[name])
        for name, tensor in zip(names, model.inputs, strict=True)
    }
    for node in nodes(model):
        arguments, named = tf.nest.map_structure(
            lambda value: made.get(id(value), value), (node.call_args, node.call_kwargs)
        )

        def call(layer: Layer, arguments: Any = arguments, named: Any = named) -> tf.Tensor:
            return layer(*arguments, **named)

        made[id(node.outputs)] = make(node.layer, call, tf.nest.flatten((arguments, named))[0])
    return tf_keras.Model(inputs, made[id(model.outputs[0])], name=model.name)


def nodes(model: tf_keras.Model) -> list[Any]:
    """Return the places of a network's layers but inputs, in the order of computation."""
    return [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
        if not node.is_input
    ]


def copy_layer(layer: Layer, **changes: Any) -> Layer:
    """Return an unbuilt layer with the settings of `layer`, but for `changes`."""
    if isinstance(layer, tf_keras.Model):
        return tf_keras.models.clone_model(layer)
    return type(layer).from_config({**layer.get_config(), **changes})


def copy_constrained(layer: Layer, constraint: tf_keras.constraints.Constraint | None) -> Layer:
    """Return an unbuilt layer with the settings of `layer`, and that constraint on its kernel."""
    names = [name for name in _CONSTRAINTS if name in layer.get_config()]
    return copy_layer(layer, **dict.fromkeys(names, constraint))


def constrained(
    model: tf_keras.Model, constraints: Mapping[str, tf_keras.constraints.Constraint | None]
) -> tf_keras.Model:
    """Return a network with the same weights, and constraints on the kernels of some layers.

    Parameters
    ----------
    model : tf_keras.Model
    constraints : mapping
        By the name of the layer; a kernel whose layer is not there has none.
    """
    copies: dict[str, Layer] = {}

    def make(layer: Layer, call: Callable[[Layer], tf.Tensor], first: tf.Tensor) -> tf.Tensor:
        if layer.name not in copies:
            copies[layer.name] = copy_constrained(layer, constraints.get(layer.name))
        return call(copies[layer.name])

    made = rewritten(model, make)
    for name, copy in copies.items():
        copy.set_weights(model.get_layer(name).get_weights())
    return made
