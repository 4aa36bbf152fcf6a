"""Projected gradient ascent on a model's loss: the attack inside adversarial training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models import scores
from components.models.transformed import IMAGE, NUMERIC, WHITE


@dataclass(frozen=True)
class Ascent:
    """Steps along the sign of the loss's gradient, from a random start [Madry et al. 2018].

    With one step it is FGSM with a random start [Wong et al. 2020].

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    name : {"image", "numeric"}
        The input of the model that is changed.
    eps, step : float
        Largest change of each number, and of one step: of pixels as a share of their range,
        of ``numeric`` in the units that it has, which are standard deviations.
    steps : int
    """

    task: str
    name: str
    eps: float
    step: float
    steps: int

    @property
    def unit(self) -> float:
        """What `eps` is multiplied by to be in the input's units."""
        return WHITE if self.name == IMAGE else 1.0

    def __call__(
        self,
        model: tf_keras.Model,
        features: Mapping[str, tf.Tensor],
        labels: tf.Tensor,
        seed: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Return the features of some rows with the input changed.

        Parameters
        ----------
        model : tf_keras.Model
            From features to logits or values; it is run as when it predicts.
        features : mapping of str to tf.Tensor
            All inputs of the model.
        labels : tf.Tensor, shape [n, 1]
        seed : tf.Tensor, shape [2]
            Of the start, uniform in the ball.
        """
        loss = scores.loss(self.task)
        original = tf.cast(features[self.name], tf.float32)
        eps, step = self.eps * self.unit, self.step * self.unit
        low, high = original - eps, original + eps
        if self.name == IMAGE:
            low, high = tf.maximum(low, 0.0), tf.minimum(high, WHITE)
        noise = tf.random.stateless_uniform(tf.shape(original), seed, -eps, eps)
        changed = tf.clip_by_value(original + noise, low, high)
        for _ in range(self.steps):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(changed)
                value = loss(labels, model({**features, self.name: changed}, training=False))
            slope = tape.gradient(value, changed)
            if slope is None:
                raise not_differentiable()
            changed = tf.clip_by_value(changed + step * tf.sign(slope), low, high)
        return {**features, self.name: tf.stop_gradient(changed)}


def attacked_input(model: tf_keras.Model) -> str:
    """Return which of the model's inputs is a plane of numbers that gradients lead through.

    Raises
    ------
    InputError
        The model has neither pixels nor numeric columns.
    """
    names = [tensor.name for tensor in model.inputs]
    for name in (IMAGE, NUMERIC):
        if name in names:
            return name
    raise InputError(
        "The model has no input that can be changed by a little.",
        expected="pixels or numeric columns",
        got=", ".join(names),
        remedy="Attack its raw columns, whose categories can be exchanged.",
    )


def not_differentiable() -> InputError:
    """Return the error about a model without gradients."""
    return InputError(
        "The model has no gradient with respect to its inputs.",
        expected="a differentiable model",
        got="a model of trees, or of other steps",
        remedy="Take an attack that only needs decisions.",
    )


def differentiable(model: tf_keras.Model | None, features: Mapping[str, tf.Tensor]) -> bool:
    """Return whether the outputs have a gradient that is not 0 everywhere on some rows.

    Parameters
    ----------
    model : tf_keras.Model or None
    features : mapping of str to array
        Of a few rows.
    """
    if model is None or not {IMAGE, NUMERIC} & {tensor.name for tensor in model.inputs}:
        return False
    name = attacked_input(model)
    inputs = {tensor.name: tf.constant(features[tensor.name]) for tensor in model.inputs}
    inputs[name] = tf.cast(inputs[name], tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs[name])
        outputs = tf.reduce_sum(model(inputs, training=False)[:, :1])
    try:
        slope = tape.gradient(outputs, inputs[name])
    except LookupError:  # An operation of the model has no gradient at all.
        return False
    return slope is not None and bool(tf.reduce_any(slope != 0.0))
