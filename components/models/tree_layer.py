"""A layer that walks all trees of an ensemble at once, in plain TensorFlow operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.models.tree_tables import NodeTables


@tf_keras.utils.register_keras_serializable("modelworks")
class TreeEnsemble(tf_keras.layers.Layer):
    """Sums what the trees predict: a list of inputs [n, k_i] -> float32 [n, outputs].

    The inputs are cast to float32 and put side by side; the trees count columns through
    all of them. Ids of categories above 2**24 would lose digits in that.

    A row and a tree have one current node, and one step for all of them is a few
    gathers; there are as many steps as the deepest tree has levels, and each takes only
    the trees that are that deep. TensorFlow Lite has every operation that is used.

    Parameters
    ----------
    nodes, trees, masks : int
        Lengths of the tables; see `components.models.tree_tables.NodeTables`. Their
        content is in the weights.
    outputs : int
        Width of the output.
    leaf_values : int
        Numbers in each leaf: `outputs`, or 1 where each output has trees of its own, and
        trees of the same round are neighbours.
    widths : sequence of int
        Trees to walk on each level.
    """

    def __init__(
        self,
        *,
        nodes: int,
        trees: int,
        masks: int,
        outputs: int,
        leaf_values: int,
        widths: Sequence[int],
        **arguments: Any,
    ) -> None:
        super().__init__(**{**arguments, "trainable": False})
        self.sizes = {
            "nodes": nodes,
            "trees": trees,
            "masks": masks,
            "outputs": outputs,
            "leaf_values": leaf_values,
            "widths": tuple(widths),
        }

        def table(name: str, shape: tuple[int, ...], dtype: tf.DType) -> tf.Variable:
            return self.add_weight(
                name=name, shape=shape, dtype=dtype, initializer="zeros", trainable=False
            )

        self.nodes = table("nodes", (nodes, 3), tf.int32)
        self.thresholds = table("thresholds", (nodes,), tf.float32)
        self.leaf_values = table("leaf_values", (nodes, leaf_values), tf.float32)
        self.masks = table("masks", (masks,), tf.int32)
        self.bias = table("bias", (outputs,), tf.float32)

    @classmethod
    def of(cls, tables: NodeTables, bias: Sequence[float], trees: int, **arguments: Any) -> Any:
        """Return a layer with the content of `tables`.

        Parameters
        ----------
        tables : NodeTables
        bias : sequence of float, shape (outputs,)
            Added to the sums.
        trees : int
            Number of trees.
        **arguments
            Of a Keras layer.
        """
        layer = cls(
            nodes=len(tables.nodes),
            trees=trees,
            masks=len(tables.masks),
            outputs=len(bias),
            leaf_values=tables.values.shape[1],
            widths=tables.widths,
            **arguments,
        )
        layer.set_weights(
            [tables.nodes, tables.thresholds, tables.values, tables.masks, np.asarray(bias)]
        )
        return layer

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the sums and the bias."""
        rounds = self.sizes["trees"] * self.sizes["leaf_values"] // self.sizes["outputs"]
        leaves = self.leaves(inputs)
        if self.sizes["leaf_values"] == 1:
            values = tf.gather(tf.reshape(self.leaf_values, [-1]), leaves)
        else:
            values = tf.gather(self.leaf_values, leaves)
        values = tf.reshape(values, [-1, rounds, self.sizes["outputs"]])
        return tf.reduce_sum(values, axis=1) + self.bias

    def leaves(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the node at which each row ends in each tree: int32 [n, trees]."""
        if tf.is_tensor(inputs):  # what Keras makes of a list of one when it reads a model
            inputs = [inputs]
        columns = tf.concat([tf.cast(values, tf.float32) for values in inputs], axis=1)
        rows, width = tf.shape(columns)[0], columns.shape[1]
        cells = tf.reshape(columns, [-1])
        starts = tf.expand_dims(tf.range(rows) * width, 1)
        at = tf.zeros([rows, 1], tf.int32) + tf.range(self.sizes["trees"])  # the roots
        ended = []
        for walked in self.sizes["widths"]:
            if walked < at.shape[1]:
                ended.append(at[:, walked:])
                at = at[:, :walked]
            feature, left, mask = tf.unstack(tf.gather(self.nodes, at), axis=-1)
            value = tf.gather(cells, starts + feature)
            right = tf.cast(value > tf.gather(self.thresholds, at), tf.int32)
            if self.sizes["masks"] > 1:
                entry = tf.where(mask > 0, mask + tf.cast(value, tf.int32), 0)
                right += tf.gather(self.masks, entry)
            at = left + right
        return tf.concat([at, *reversed(ended)], axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.sizes}


@tf_keras.utils.register_keras_serializable("modelworks")
class LogProbabilities(tf_keras.layers.Layer):
    """Turns probabilities into the logits that give them back.

    [n, 1], the probability of the positive class -> its log-odds; [n, k] -> logarithms.
    """

    #: Probabilities nearer to 0 or 1 count as this near.
    EPSILON = 1e-7

    def call(self, probabilities: tf.Tensor) -> tf.Tensor:
        clipped = tf.clip_by_value(probabilities, self.EPSILON, 1.0 - self.EPSILON)
        if probabilities.shape[-1] == 1:
            return tf.math.log(clipped) - tf.math.log(1.0 - clipped)
        return tf.math.log(clipped)
