"""What is explained, as a differentiable function of numbers: pixels, features, embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.explainer.layers import layers_of, recorded, replaced
from components.explainer.problem import Problem
from components.models.metric_names import BINARY, REGRESSION
from components.models.subject import Subject
from components.models.transformed import CATEGORICAL, IMAGE, NUMERIC
from components.models.tree_layer import TreeEnsemble

#: Numbers that enter the model in one pass, and rows at most.
BATCH_VALUES, BATCH_ROWS = 1 << 19, 8192
#: Rows on which it is tried whether there are gradients, and the difference of values, in
#: units of their size, that is rounding.
_TRIED_ROWS, _ROUNDING = 8, 1e-4

#: Arrays [n, ...] by the name of an input: where in its space of numbers each row lies.
Points = dict[str, np.ndarray]


class Network:
    """The explained values of a model, and their gradients, at points of its inputs.

    Numbers and pixels are the model's own inputs. In place of a category stands its embedding,
    the vector [d] that a layer looks up: between two of them there are others, as there are not
    between two categories.

    Parameters
    ----------
    problem : Problem
        With a Keras model.

    Attributes
    ----------
    names : tuple of str
        Inputs: ``image``, ``numeric`` [n, k], and ``embedding_0`` and so on, [n, columns, d].
    """

    def __init__(self, problem: Problem) -> None:
        model = problem.subject.model
        assert model is not None
        self._problem, self._model = problem, model
        taken = {tensor.name: tensor for tensor in model.inputs}
        # Number of categorical columns.
        self._columns = taken[CATEGORICAL].shape[-1] if CATEGORICAL in taken else 0
        looked_up = [each for each in layers_of(model) if _looks_up(each)] if self._columns else []
        self._embeddings = {f"embedding_{place}": each for place, each in enumerate(looked_up)}
        self._own = tuple(name for name in (IMAGE, NUMERIC) if name in taken)
        self.names = (*self._own, *self._embeddings)
        # Of any number of rows, so that the model is traced once.
        points = {name: tf.TensorSpec(taken[name].shape, tf.float32) for name in self._own}
        for name, layer in self._embeddings.items():
            points[name] = tf.TensorSpec([None, self._columns, layer.output_dim], tf.float32)
        weights = tf.TensorSpec([None, len(problem.outputs)], tf.float32)
        self._values_graph = tf.function(self.compute, [points], autograph=False)
        self._slopes_graph = tf.function(self._slopes, [points, weights], autograph=False)

    def points(self, subject: Subject) -> Points:
        """Return where the rows of a subject lie."""
        arrays = {name: np.asarray(subject.arrays[name], np.float32) for name in self._own}
        if not self._embeddings:
            return arrays
        layers = list(self._embeddings.values())
        parts = []
        for start in range(0, len(subject), BATCH_ROWS):
            rows = slice(start, start + BATCH_ROWS)
            features = {each.name: subject.arrays[each.name][rows] for each in self._model.inputs}
            with recorded(layers) as kept:
                self._model(features, training=False)
            parts.append([np.asarray(tensor) for tensor in kept])
        vectors = {
            name: np.concatenate([part[place] for part in parts])
            for place, name in enumerate(self._embeddings)
        }
        return {**arrays, **vectors}

    def compute(self, points: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the explained values [n, outputs] as TensorFlow operations."""
        return explained(self._run(points), self._problem)

    def values(self, points: Points) -> np.ndarray:
        """Return the explained values at some points, float64 [n, outputs].

        Raises
        ------
        InputError
            The model returns something that is not a number.
        """
        parts = [
            np.asarray(self._values_graph(_tensors(part)), np.float64) for part in batches(points)
        ]
        values = np.concatenate(parts)
        if not np.isfinite(values).all():
            self._problem.of_scores(values)
        return values

    def slopes(self, points: Points, weights: np.ndarray) -> Points:
        """Return the gradient of the weighted sum of a row's values at each point.

        Parameters
        ----------
        points : dict of ndarray
        weights : ndarray, shape [n, outputs]

        Returns
        -------
        dict of ndarray
            Of the shapes of `points`.
        """
        parts = [
            self._slopes_graph(_tensors(part), tf.constant(some, tf.float32))
            for part, some in batches(points, weights)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.names}

    def refusal(self) -> str | None:
        """Return why gradients do not tell of the model, or None."""
        if any(isinstance(layer, TreeEnsemble) for layer in layers_of(self._model)):
            return "The model has trees, whose steps have no gradient."
        if not self.names:
            return "The model takes categories otherwise than by embeddings: they have no gradient."
        background = self._problem.background
        some = background.take(np.arange(min(_TRIED_ROWS, len(background))))
        points = self.points(some)
        if any(points[name].shape[1:-1] != (self._columns,) for name in self._embeddings):
            return "The model does not embed its categorical columns side by side."
        values = self.compute(_tensors(points)).numpy()
        full = {each.name: tf.constant(some.arrays[each.name]) for each in self._model.inputs}
        features = {name: tf.cast(full[name], tf.float32) for name in self._own}
        if self._columns:
            features[CATEGORICAL] = full[CATEGORICAL]
        outputs = self._model(features, training=False)
        expected = explained(outputs, self._problem).numpy()
        if np.abs(values - expected).max() > _ROUNDING * (1 + np.abs(expected).max()):
            return "The model takes categories otherwise than by embeddings: they have no gradient."
        try:
            slopes = self._slopes(_tensors(points), tf.ones(values.shape))
        except LookupError:  # An operation of the model has no gradient at all.
            return "The model has an operation without a gradient."
        if not any(bool(tf.reduce_any(slope != 0.0)) for slope in slopes.values()):
            return "The gradient of the model is 0 wherever it was tried."
        return None

    def _run(self, points: Mapping[str, tf.Tensor]) -> tf.Tensor:
        features = {name: points[name] for name in self._own}
        if self._columns:
            rows = tf.shape(points[self.names[0]])[0]
            features[CATEGORICAL] = tf.zeros([rows, self._columns], tf.int64)
        with replaced({layer: points[name] for name, layer in self._embeddings.items()}):
            return self._model(features, training=False)

    def _slopes(self, points: Mapping[str, tf.Tensor], weights: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            total = tf.reduce_sum(self.compute(points) * weights)
        found = tape.gradient(
            total, dict(points), unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return {name: tf.convert_to_tensor(slope) for name, slope in found.items()}


def explained(outputs: tf.Tensor, problem: Problem) -> tf.Tensor:
    """Return what is explained of a model's outputs, [n, outputs].

    It is `Problem.of_scores` of their scores, without its limits for log-odds of more than 16.

    Parameters
    ----------
    outputs : tf.Tensor, shape [n, k]
        Logits or values.
    problem : Problem
        Gives the task and the link.
    """
    task, link = problem.subject.task, problem.link
    if task == REGRESSION:
        return outputs
    if task == BINARY:
        return outputs if link == "log_odds" else tf.sigmoid(outputs)
    if link != "log_odds":
        return tf.nn.softmax(outputs)
    itself = tf.eye(outputs.shape[-1], dtype=tf.bool)
    others = tf.where(itself, -np.inf, outputs[:, tf.newaxis])
    return outputs - tf.reduce_logsumexp(others, axis=-1)


def refusal(problem: Problem, *, images: bool | None = None) -> str | None:
    """Return why a method of gradients cannot be had of a model, or None.

    Parameters
    ----------
    problem : Problem
    images : bool, optional
        Whether it is one for images alone, or for tables alone.
    """
    given = problem.subject.images is not None
    if images is not None and images != given:
        return f"It explains {'images' if images else 'tables'}; these are not."
    if problem.subject.model is None:
        return "The model has no gradients: it is not one of Keras."
    return None if not len(problem.background) else Network(problem).refusal()


def batches(points: Points, *others: np.ndarray) -> Iterator[Any]:
    """Yield parts of some points, of bounded memory: alone, or with those of other arrays.

    Parameters
    ----------
    points : dict of ndarray
    *others : ndarray
        With as many rows.
    """
    rows = len(next(iter(points.values())))
    width = sum(each[:1].size for each in points.values())
    step = max(1, min(BATCH_ROWS, BATCH_VALUES // max(width, 1)))
    for start in range(0, max(rows, 1), step):
        part = {name: each[start : start + step] for name, each in points.items()}
        yield (part, *(each[start : start + step] for each in others)) if others else part


def _looks_up(layer: tf_keras.layers.Layer) -> bool:
    return isinstance(layer, tf_keras.layers.Embedding)


def _tensors(points: Points) -> dict[str, tf.Tensor]:
    return {name: tf.constant(each, tf.float32) for name, each in points.items()}
