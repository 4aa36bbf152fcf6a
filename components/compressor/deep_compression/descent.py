"""Steps of training by what the original model says and by the labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras

from components.models import scores

#: Weight of the original model's outputs in the loss; the labels have the rest.
SOFT_SHARE = 0.9
#: Of Adam [Kingma & Ba 2015].
_MEAN_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8
#: Share of the learning rate that is left at the end.
_LAST_RATE = 0.02


@dataclass(frozen=True)
class Lessons:
    """What a model is trained with.

    Attributes
    ----------
    batches : callable
        Takes a range of epochs and returns their batches: features and label, and the rows'
        weights if they have any.
    steps : int
        Batches of an epoch.
    task : {"binary", "multiclass", "regression"}
    teacher : tf_keras.Model
        The original.
    temperature : float
        By which the logits of both are divided where they are compared.
    learning_rate : float
        Of Adam, at the start; it falls along a cosine.
    """

    batches: Callable[[range], tf.data.Dataset]
    steps: int
    task: str
    teacher: tf_keras.Model
    temperature: float
    learning_rate: float


def loss(lessons: Lessons, batch: Sequence[Any], outputs: tf.Tensor) -> tf.Tensor:
    """Return the loss of a model's outputs for a batch [Hinton et al. 2015].

    Of a classifier, the cross-entropy to the original's softened probabilities, times the
    temperature, and that to the labels; of a regression, squared errors to both.
    """
    features, label, *weight = batch
    target = tf.stop_gradient(lessons.teacher(features, training=False))
    heat = lessons.temperature
    if lessons.task == "regression":
        soft = tf.reduce_mean((outputs - target) ** 2, axis=1)
    elif lessons.task == "binary":
        crossed = tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(target / heat), outputs / heat)
        soft = heat * tf.reduce_mean(crossed, axis=1)
    else:
        soft = heat * tf.nn.softmax_cross_entropy_with_logits(
            tf.nn.softmax(target / heat), outputs / heat
        )
    each = weight[0] if weight else tf.ones_like(soft)
    hard = scores.loss(lessons.task)(tf.reshape(label, [-1, 1]), outputs, each)
    return SOFT_SHARE * tf.reduce_mean(soft * each) + (1.0 - SOFT_SHARE) * hard


class Descent:
    """Training of a model some of whose weights are zero, and some of which share values.

    A weight is zero where it is not alive, the value of its cluster where it is shared, and a
    value of its own elsewhere. Adam trains own and shared values; the gradient by a
    shared one is the sum over its cluster [Han et al. 2016].

    Parameters
    ----------
    model : tf_keras.Model
        Is changed.
    lessons : Lessons
    epochs : int
        Over which the learning rate falls.
    clusters : int, optional
        Size of the codebooks; without it nothing is shared.

    Attributes
    ----------
    weights : list of tf.Variable
        The model's trainable weights. The other lists have one variable for each of them.
    own, alive, shared, cluster : list of tf.Variable
        Own value; 1 or 0, whether it is not zero for good; 1 or 0, whether it is shared; and
        which value it shares then.
    books : list of tf.Variable
        Shared values, ``[clusters]``.
    squares : list of tf.Variable
        Mean squares of the loss's gradients by the weights.
    """

    def __init__(
        self, model: tf_keras.Model, lessons: Lessons, epochs: int, clusters: int | None = None
    ) -> None:
        self.model = model
        self.weights = list(model.trainable_variables)
        self.own = [tf.Variable(weight) for weight in self.weights]
        self.alive = [tf.Variable(tf.ones_like(weight)) for weight in self.weights]
        self.squares = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
        self._means = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
        self.shared, self.cluster, self.books = [], [], []
        if clusters is not None:
            self.shared = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
            self.cluster = [tf.Variable(tf.zeros(w.shape, tf.int32)) for w in self.weights]
            self.books = [tf.Variable(tf.zeros([clusters])) for _ in self.weights]
        self._book_means = [tf.Variable(tf.zeros_like(book)) for book in self.books]
        self._book_squares = [tf.Variable(tf.zeros_like(book)) for book in self.books]
        self._lessons = lessons
        self.steps = epochs * lessons.steps
        self._done = tf.Variable(0.0)
        self._batches: Iterator[Any] = iter(lessons.batches(range(epochs)))

    @property
    def progress(self) -> float:
        """Share of the steps that are done."""
        return float(self._done.numpy()) / self.steps

    def run(self, steps: int) -> None:
        """Take so many steps, but not more than are left."""
        left = self.steps - int(self._done.numpy())
        self._run(tf.constant(min(steps, left)))

    @tf.function
    def _run(self, steps: tf.Tensor) -> None:
        self._make_weights()
        for _ in tf.range(steps):
            self._step(next(self._batches))

    def _make_weights(self) -> None:
        for i, (weight, own, alive) in enumerate(
            zip(self.weights, self.own, self.alive, strict=True)
        ):
            value = own.read_value()
            if self.books:
                common = tf.gather(self.books[i], self.cluster[i])
                value = tf.where(self.shared[i] > 0, common, value)
            # Not their product, which has negative zeros.
            weight.assign(tf.where(alive > 0, value, 0.0))

    def _step(self, batch: Sequence[Any]) -> None:
        with tf.GradientTape() as tape:
            outputs = self.model(batch[0], training=True)
            total = loss(self._lessons, batch, outputs) + tf.add_n([0.0, *self.model.losses])
        found = tape.gradient(
            total, self.weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        gradients = [tf.convert_to_tensor(gradient) for gradient in found]
        self._done.assign_add(1.0)
        done = self._done
        turn = 0.5 * (1.0 + tf.cos(math.pi * done / self.steps))
        rate = self._lessons.learning_rate * (_LAST_RATE + (1.0 - _LAST_RATE) * turn)
        # Adam's corrections of its means, which begin at zero.
        rate *= tf.sqrt(1.0 - _SQUARE_DECAY**done) / (1.0 - _MEAN_DECAY**done)
        for i, gradient in enumerate(gradients):
            kept = gradient * self.alive[i]
            if self.books:
                fixed = self.shared[i]
                pooled = tf.math.unsorted_segment_sum(
                    tf.reshape(kept * fixed, [-1]),
                    tf.reshape(self.cluster[i], [-1]),
                    self.books[i].shape[0],
                )
                square = self._book_squares[i]
                square.assign(_SQUARE_DECAY * square + (1.0 - _SQUARE_DECAY) * pooled**2)
                _adam(self.books[i], self._book_means[i], square, pooled, rate)
                kept *= 1.0 - fixed
            square = self.squares[i]
            square.assign(_SQUARE_DECAY * square + (1.0 - _SQUARE_DECAY) * gradient**2)
            _adam(self.own[i], self._means[i], square, kept, rate)
        self._make_weights()


def _adam(
    value: tf.Variable, mean: tf.Variable, square: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor
) -> None:
    mean.assign(_MEAN_DECAY * mean + (1.0 - _MEAN_DECAY) * gradient)
    value.assign_sub(rate * mean / (tf.sqrt(square) + _EPSILON))
