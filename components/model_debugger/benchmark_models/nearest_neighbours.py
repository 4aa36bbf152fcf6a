"""The mean label of the nearest training rows (Cover and Hart 1967), by brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.model_debugger.benchmark_models.layers import Indicators, frequent
from components.model_debugger.benchmark_models.problem import Fitted, Problem
from components.models import measuring
from components.models.inputs import SelectColumns, selected_numeric
from components.models.transformed import CATEGORICAL, NUMERIC
from components.models.tree_layer import LogProbabilities

#: Most frequent categories of a column that are told apart; the others are equal.
CATEGORIES = 32
#: Rows whose distances to all training rows are in memory at once.
ROWS_AT_ONCE = 256
#: Rows of the whole training set's mix that are added to the neighbours of each row, so that
#: no probability is 0.
PRIOR_ROWS = 1.0


@tf_keras.utils.register_keras_serializable("modelworks")
class NearestNeighbours(tf_keras.layers.Layer):
    """Averages targets of the nearest anchors: [n, d] -> [n, k].

    Distances are Euclidean; of equal ones the first anchors count. All distances of
    `ROWS_AT_ONCE` rows are computed by one product of matrices.

    Parameters
    ----------
    anchors, width, outputs : int
        Shape of the weights: anchors [anchors, width], their targets [anchors, outputs], and
        the prior [outputs].
    neighbours : int
        Anchors that are averaged.
    prior_rows : float
        Weight of the prior, in rows.
    """

    def __init__(
        self,
        *,
        anchors: int,
        width: int,
        outputs: int,
        neighbours: int,
        prior_rows: float,
        **arguments: Any,
    ) -> None:
        super().__init__(**{**arguments, "trainable": False})
        self.sizes = {"anchors": anchors, "width": width, "outputs": outputs}
        self.neighbours, self.prior_rows = neighbours, prior_rows

        def table(name: str, shape: tuple[int, ...]) -> tf.Variable:
            return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)

        self.anchors = table("anchors", (anchors, width))
        self.targets = table("targets", (anchors, outputs))
        self.prior = table("prior", (outputs,))

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        anchors = tf.convert_to_tensor(self.anchors)
        lengths = tf.reduce_sum(tf.square(anchors), axis=1)

        def averaged(part: tf.Tensor) -> tf.Tensor:
            # The row's own length is the same for all anchors.
            nearness = 2 * tf.matmul(part, anchors, transpose_b=True) - lengths
            nearest = tf.math.top_k(nearness, self.neighbours, sorted=False).indices
            return tf.reduce_sum(tf.gather(self.targets, nearest), axis=1)

        total = tf.shape(rows)[0]
        step = tf.clip_by_value(total, 1, ROWS_AT_ONCE)
        parts = -(-total // step)
        padded = tf.pad(rows, [[0, parts * step - total], [0, 0]])
        sums = tf.map_fn(
            averaged,
            tf.reshape(padded, [parts, step, self.sizes["width"]]),
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec([None, self.sizes["outputs"]], tf.float32),
        )
        sums = tf.reshape(sums, [-1, self.sizes["outputs"]])[:total]
        return (sums + self.prior_rows * self.prior) / (self.neighbours + self.prior_rows)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.sizes,
            "neighbours": self.neighbours,
            "prior_rows": self.prior_rows,
        }


def fit(problem: Problem) -> Fitted:
    """Return the model that keeps a sample of the training rows.

    Numeric columns have deviation 1, and two categories are at distance 1.
    """
    whole = len(problem)
    problem = problem.sample(problem.config.max_anchors)
    encoder = _encoder(problem)
    anchors = measuring.outputs(encoder, problem.train)
    targets = problem.labels[:, np.newaxis].astype(np.float64)
    if problem.outputs > 1:
        targets = np.eye(problem.outputs)[problem.labels]
    neighbours = min(problem.config.neighbours, len(problem))
    layer = NearestNeighbours(
        anchors=len(anchors),
        width=anchors.shape[1],
        outputs=problem.outputs,
        neighbours=neighbours,
        prior_rows=0.0 if problem.features.regression else PRIOR_ROWS,
        name="neighbours",
    )
    layer.set_weights([anchors, targets.astype(np.float32), targets.mean(axis=0)])
    inputs, parts = problem.inputs()
    result = layer(encoder(parts))
    if problem.features.classes:
        result = LogProbabilities(name="logits")(result)
    learned = f"The {neighbours} nearest of {len(problem):,} training rows"
    learned += "." if len(problem) == whole else f", drawn from {whole:,}."
    return Fitted(
        tf_keras.Model(inputs, result, name="nearest_neighbours"), (learned,), len(problem)
    )


def _encoder(problem: Problem) -> tf_keras.Model:
    """Return the model from the table's columns to the space in which rows are near."""
    inputs, columns = replace(problem, features=problem.table).inputs()
    parts = []
    if NUMERIC in columns:
        selected = selected_numeric(problem.table.numeric, "standardized")
        means, scales = (values[selected] for values in problem.scaling())
        numbers = SelectColumns(selected, name="selected")(columns[NUMERIC])
        parts.append(
            tf_keras.layers.Rescaling(scales.tolist(), (-means * scales).tolist(), name="scaled")(
                numbers
            )
        )
    if CATEGORICAL in columns:
        sizes = [column.size for column in problem.features.categorical]
        indicators = Indicators(*frequent(sizes, CATEGORIES), name="indicators")
        parts.append(
            tf_keras.layers.Rescaling(0.5**0.5, name="at_distance_1")(
                indicators(columns[CATEGORICAL])
            )
        )
    joined = parts[0] if len(parts) == 1 else tf_keras.layers.Concatenate(name="columns")(parts)
    return tf_keras.Model(inputs, joined, name="space")
