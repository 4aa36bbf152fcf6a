"""Layers of a model from outside: what one puts out, and the model where it puts out another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tf_keras


def layers_of(model: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    """Return all layers of a model in their order, those of models within it as well."""
    return [
        layer
        for layer in model._flatten_layers(recursive=True, include_self=False)
        if not isinstance(layer, tf_keras.Model)
    ]


@contextlib.contextmanager
def recorded(layers: Sequence[tf_keras.layers.Layer]) -> Iterator[list[tf.Tensor | None]]:
    """Keep what each of some layers puts out while a model runs: the last it does."""
    kept: list[tf.Tensor | None] = [None] * len(layers)

    def keeping(place: int, call: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        def keep(*arguments: Any, **named: Any) -> tf.Tensor:
            kept[place] = call(*arguments, **named)
            return kept[place]

        return keep

    with _calling({layer: keeping(place, layer.call) for place, layer in enumerate(layers)}):
        yield kept


@contextlib.contextmanager
def replaced(outputs: Mapping[tf_keras.layers.Layer, tf.Tensor]) -> Iterator[None]:
    """Let layers put out given tensors, whatever they take, while a model runs."""

    def giving(tensor: tf.Tensor) -> Callable[..., tf.Tensor]:
        return lambda *arguments, **named: tensor

    with _calling({layer: giving(tensor) for layer, tensor in outputs.items()}):
        yield


@contextlib.contextmanager
def _calling(calls: Mapping[tf_keras.layers.Layer, Callable[..., tf.Tensor]]) -> Iterator[None]:
    # Past the layer's own assignment, which would track the function as a part of it.
    for layer, call in calls.items():
        object.__setattr__(layer, "call", call)
    try:
        yield
    finally:
        for layer in calls:
            object.__delattr__(layer, "call")
