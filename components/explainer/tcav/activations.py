"""Activations of a layer, and the gradients of the explained values with respect to them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.explainer.layers import layers_of, recorded
from components.explainer.network import Network, Points, batches
from components.naming import nearest

SETTING = "explainer.tcav.layer"


def hidden(model: tf_keras.Model) -> tf_keras.layers.Layer | None:
    """Return the layer before the last dense one, or None if that is the model's input."""
    dense = [layer for layer in model.layers if isinstance(layer, tf_keras.layers.Dense)]
    if not dense:
        return None
    before = dense[-1].input._keras_history.layer
    return None if isinstance(before, tf_keras.layers.InputLayer) else before


def named(model: tf_keras.Model, name: str) -> tf_keras.layers.Layer:
    """Return the layer of a name.

    Raises
    ------
    InputError
        There is none, or several.
    """
    layers = [
        layer for layer in layers_of(model) if not isinstance(layer, tf_keras.layers.InputLayer)
    ]
    found = [layer for layer in layers if layer.name == name]
    if len(found) == 1:
        return found[0]
    names = list(dict.fromkeys(layer.name for layer in layers))
    raise InputError(
        f"The model has {len(found) or 'no'} layer{'s' if found else ''} {name!r}"
        + ("" if found else nearest(name, names))
        + ".",
        setting=SETTING,
        expected="one of " + ", ".join(names),
        got=name,
    )


def activations(network: Network, layer: tf_keras.layers.Layer, points: Points) -> np.ndarray:
    """Return what a layer puts out at some points, flat: float64 [n, d]."""
    parts = []
    for part in batches(points):
        with recorded([layer]) as kept:
            network.compute({name: tf.constant(each) for name, each in part.items()})
        parts.append(_flat(kept[0]))
    return np.concatenate(parts)


def slopes(
    network: Network, layer: tf_keras.layers.Layer, points: Points, output: int
) -> np.ndarray:
    """Return the gradient of an explained value by what a layer puts out, float64 [n, d]."""
    parts = []
    for part in batches(points):
        tensors = {name: tf.constant(each) for name, each in part.items()}
        with tf.GradientTape() as tape, recorded([layer]) as kept:
            tape.watch(tensors)
            total = tf.reduce_sum(network.compute(tensors)[:, output])
        slope = tape.gradient(total, kept[0], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        parts.append(_flat(slope))
    return np.concatenate(parts)


def _flat(tensor: tf.Tensor) -> np.ndarray:
    values = np.asarray(tensor, np.float64)
    return values.reshape(len(values), -1)
