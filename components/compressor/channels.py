"""Which channels of a network's layers depend on each other, so that they go or stay together.

A channel is a place on the last axis of a tensor: a unit, a filter, a dimension of an embedding.
It is made by one layer, passes through others (activations, normalizations, pooling, depthwise
convolutions, flattening, where it becomes many), may be added to channels of other layers, which
couples them, and is read by the layers behind. What the network is given and what it returns is
fixed, as is what passes through layers that nothing is known of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor.recipes.base import unsupported
from components.models.architectures import SumFeatures

layers = tf_keras.layers

#: Each channel of the result is made of the same channel of what comes in, of each input.
ELEMENTWISE = (
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.GlobalAveragePooling2D,
    layers.ZeroPadding2D,
    layers.Add,
    layers.Subtract,
    layers.Multiply,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    SumFeatures,
)

#: The same, with numbers of their own for each channel.
NORMALIZATIONS = (layers.BatchNormalization, layers.LayerNormalization)
#: Kind of layer that makes channels of its own -> the setting that says how many.
MAKERS: dict[type[tf_keras.layers.Layer], str] = {
    layers.Dense: "units",
    layers.Conv2D: "filters",
    layers.Embedding: "output_dim",
}


@dataclass
class Channels:
    """The channels of a network.

    Attributes
    ----------
    into, out_of : dict
        Layer -> the numbers of the channels on the last axis of what it takes, if it takes one
        tensor, and of what it returns. Coupled channels have the same number. Layers that
        nothing is known of have none.
    makers : list of str
        Layers that make channels of their own: those of the kinds in `MAKERS`.
    fixed : set of int
        Numbers of channels that cannot go.
    """

    into: dict[str, np.ndarray] = field(default_factory=dict)
    out_of: dict[str, np.ndarray] = field(default_factory=dict)
    makers: list[str] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)


def find(model: tf_keras.Model, recipe: str) -> Channels:
    """Return the channels of a functional network.

    Parameters
    ----------
    model : tf_keras.Model
        Each of whose layers was called for it alone; see `recipes.base.copy_model`.
    recipe : str
        Whose name an error bears.

    Raises
    ------
    InputError
        If a layer is used at several places.
    """
    return _Walk(recipe).through(model)


class _Walk:
    """Goes through a network from its inputs to its outputs, and couples channels."""

    def __init__(self, recipe: str) -> None:
        self._recipe = recipe
        #: Number -> a number that it was coupled with; its own, if that is the least.
        self._parents: list[int] = []
        self._fixed: set[int] = set()
        self._of: dict[int, np.ndarray] = {}

    def through(self, model: tf_keras.Model) -> Channels:
        found = Channels()
        for layer in model.layers:
            if len(layer.inbound_nodes) != 1:
                raise unsupported(layer, self._recipe)
            returned = tf.nest.flatten(layer.output)
            first = isinstance(layer, layers.InputLayer)
            taken = [] if first else tf.nest.flatten(layer.input)
            given = [self._of[id(tensor)] for tensor in taken]
            made = self._behind(layer, given) if len(returned) == 1 else None
            if made is None:
                self._fix(*given)
                for tensor in returned:
                    self._of[id(tensor)] = self._new(tensor.shape[-1] or 0)
                    self._fix(self._of[id(tensor)])
                continue
            if len(given) == 1:
                found.into[layer.name] = given[0]
            found.out_of[layer.name] = self._of[id(returned[0])] = made
            if type(layer) in MAKERS:
                found.makers.append(layer.name)
        self._fix(*(self._of[id(output)] for output in model.outputs))
        for table in (found.into, found.out_of):
            for name, numbers in table.items():
                table[name] = np.array([self._root(number) for number in numbers], int)
        found.fixed = {self._root(number) for number in self._fixed}
        return found

    def _behind(self, layer: tf_keras.layers.Layer, given: list[np.ndarray]) -> np.ndarray | None:
        """Return the channels of what a layer returns; None, if nothing is known of it."""
        kind, rank = type(layer), len(layer.output.shape)
        first_channels = getattr(layer, "data_format", "channels_last") != "channels_last"
        if first_channels or layer.output.shape[-1] is None or not given:
            return None
        if kind in MAKERS and getattr(layer, "groups", 1) == 1:
            return self._new(layer.output.shape[-1])
        if kind is layers.DepthwiseConv2D:
            return given[0].repeat(layer.depth_multiplier)
        if kind is layers.Flatten:
            return np.tile(given[0], layer.output.shape[-1] // len(given[0]))
        if kind is layers.Concatenate and layer.axis in (-1, rank - 1):
            return np.concatenate(given)
        if kind in NORMALIZATIONS and list(layer.axis) != [rank - 1]:
            return None
        if kind in ELEMENTWISE + NORMALIZATIONS and len({len(numbers) for numbers in given}) == 1:
            for other in given[1:]:
                for one, two in zip(given[0], other, strict=True):
                    self._couple(int(one), int(two))
            return given[0]
        return None

    def _fix(self, *given: np.ndarray) -> None:
        for numbers in given:
            self._fixed.update(numbers.tolist())

    def _new(self, count: int) -> np.ndarray:
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return int(number)

    def _couple(self, one: int, two: int) -> None:
        one, two = sorted((self._root(one), self._root(two)))
        self._parents[two] = one
