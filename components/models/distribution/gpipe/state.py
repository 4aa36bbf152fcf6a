"""What calls of layers change besides what they return.

Random generators move on with each draw, batch normalizations move their averages. A layer that
is called again, to compute anew what was thrown away, must draw what it drew, and must
not move anything a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

import tensorflow as tf
import tf_keras

#: Operations that take a variable, or a table, and leave it as it is.
_READING = {
    "LookupTableFindV2",
    "LookupTableSizeV2",
    "ReadVariableOp",
    "ResourceGather",
    "ResourceGatherNd",
    "VariableShape",
}
#: Beginnings of the names of operations that draw from a state that cannot be set.
_HIDDEN_DRAWS = ("Random", "TruncatedNormal", "ParameterizedTruncatedNormal", "Multinomial")


def generators(layer: tf_keras.layers.Layer) -> Iterator[tf.random.Generator]:
    """Yield the generators that a layer draws from; not those of layers within it."""
    for value in vars(layer).values():
        inner = getattr(value, "_generator", value)
        if isinstance(inner, tf.random.Generator):
            yield inner


@contextmanager
def unchanged(model: tf_keras.Model) -> Iterator[None]:
    """Put back in the end what calls in training mode change."""
    states = [*model.non_trainable_variables]
    for layer in model._flatten_layers():
        states += [generator.state for generator in generators(layer)]
    before = [tf.identity(state) for state in states]
    try:
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)


def unwritten(handle: tf.Tensor) -> bool:
    """Tell whether the operations so far only read the variable behind a captured handle."""
    return all(operation.type in _READING for operation in handle.consumers())


def written(variable: tf.Variable) -> bool:
    """Tell whether the graph that is being traced may have changed a variable."""
    graph = tf.compat.v1.get_default_graph()
    return not unwritten(graph.capture(variable.handle))


def hidden_draws(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """Return the operations of a function whose draws cannot be repeated.

    Those of `tf.random.uniform` and its like, which Keras uses unless a layer is told
    ``rng_type="stateful"``.
    """
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return {node.op for node in nodes if node.op.startswith(_HIDDEN_DRAWS)}


def batch_normalizations(
    layers: Sequence[tf_keras.layers.Layer],
) -> tuple[tf_keras.layers.BatchNormalization, ...]:
    """Return those layers that move averages of their inputs' moments."""
    return tuple(
        layer
        for layer in layers
        if isinstance(layer, tf_keras.layers.BatchNormalization)
        and layer.trainable
        and layer.momentum < 1
    )


@dataclass(frozen=True)
class MovingAverages:
    """The moving averages of one batch normalization after one of its calls.

    Attributes
    ----------
    layer : BatchNormalization
    """

    layer: tf_keras.layers.BatchNormalization

    @property
    def variables(self) -> tuple[tf.Variable, tf.Variable]:
        return self.layer.moving_mean, self.layer.moving_variance

    def moments(
        self, means: Sequence[tf.Tensor], variances: Sequence[tf.Tensor], rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return mean and variance of a whole mini-batch.

        Parameters
        ----------
        means, variances : sequence of tensor
            What the layer itself made of the averages, as they are now, by each micro-batch
            alone.
        rows : tensor
            Number of rows of each micro-batch, int32 [m]; those with 0 do not count.

        Notes
        -----
        Both averages are ``p * old + (1 - p) * moment``, which gives the moments of each
        micro-batch. Their mean is that of the mini-batch. The sums of squares add up, with
        those of the micro-batches' means around the common one. The variance of rank-4
        inputs is the unbiased one (Keras' fused operation), else the biased one.
        """
        momentum = tf.cast(self.layer.momentum, means[0].dtype)
        old_mean, old_variance = (variable.read_value() for variable in self.variables)
        each_mean = (tf.stack(means) - momentum * old_mean) / (1 - momentum)
        each_variance = (tf.stack(variances) - momentum * old_variance) / (1 - momentum)
        counts = tf.reshape(
            tf.cast(rows * self._values_per_row, each_mean.dtype), [-1] + [1] * len(old_mean.shape)
        )
        free = 1.0 if self.layer.fused else 0.0
        whole = tf.reduce_sum(counts)  # of all micro-batches
        mean = tf.reduce_sum(counts * each_mean, 0) / whole
        squares = tf.reduce_sum(
            tf.maximum(counts - free, 0.0) * each_variance
            + counts * tf.math.squared_difference(each_mean, mean),
            0,
        )
        return mean, squares / tf.maximum(whole - free, 1.0)

    def move(self, moments: tuple[tf.Tensor, tf.Tensor]) -> None:
        """Move the averages by the moments of a mini-batch."""
        momentum = tf.cast(self.layer.momentum, moments[0].dtype)
        for variable, moment in zip(self.variables, moments, strict=True):
            variable.assign(momentum * variable + (1 - momentum) * moment)

    @property
    def _values_per_row(self) -> int:
        """Values of each channel in one row, such as the pixels of an image."""
        shape = list(self.layer._build_input_shape)
        return prod(size for axis, size in enumerate(shape) if axis not in (0, *self._channels))

    @property
    def _channels(self) -> tuple[int, ...]:
        axes = self.layer.axis
        return tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)
