"""What a student minimises: a mix of the teacher's outputs, the labels, and hints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.distiller import schedules
from components.distiller.config import Scheduled
from components.distiller.losses import Loss, as_logits


@dataclass(frozen=True)
class Objective:
    """``mix * soft + (1 - mix) * hard + hint_weight * hint``, and the student's penalties.

    ``hard`` is the loss of a training without a teacher, over the rows that have a label.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    loss : callable
        The soft part; see `components.distiller.losses`.
    temperature, mix : Scheduled
    hint_weight : float
        Weight of the mean squared difference of the hints.
    """

    task: str
    loss: Loss
    temperature: Scheduled
    mix: Scheduled
    hint_weight: float = 0.0

    def soft(
        self, student: tf.Tensor, teacher: tf.Tensor, label: tf.Tensor, done: tf.Tensor
    ) -> tf.Tensor:
        """Return the mean of the soft part over the rows.

        Parameters
        ----------
        student, teacher : tf.Tensor
            Outputs of the models, [n, k].
        label : tf.Tensor
            [n].
        done : tf.Tensor
            Share of the training that is done.
        """
        if self.task != "regression":
            student, teacher = as_logits(student), as_logits(teacher)
        temperature = schedules.value(self.temperature, done)
        return tf.reduce_mean(self.loss(student, teacher, label, temperature))


@dataclass(frozen=True)
class Lesson:
    """What a student is taught of the rows of its training data.

    Attributes
    ----------
    label : ndarray, shape [n]
        Class index or value; of rows without a label -1 (a class) or 0.
    weight : ndarray, shape [n]
        Of the row in the hard part: 0 without a label.
    outputs : ndarray, shape [copies, n, k]
        Of the teacher, for each copy of the rows; see `components.distiller.copies`.
    hints : ndarray, shape [copies, n, h]
        Of the teacher's layer; h is 0 if there are none.
    """

    label: np.ndarray
    weight: np.ndarray
    outputs: np.ndarray
    hints: np.ndarray

    def pack(self) -> np.ndarray:
        """Return all as one array, float32 [n, 2 + copies * (k + h)], to go with the rows."""
        both = np.concatenate([self.outputs, self.hints], axis=2)
        rows = both.transpose(1, 0, 2).reshape(len(self.label), -1)
        return np.concatenate(
            [np.stack([self.label, self.weight], axis=1), rows], axis=1, dtype=np.float32
        )

    @property
    def layout(self) -> Layout:
        """Where what is in the packed array."""
        copies, _, outputs = self.outputs.shape
        return Layout(copies, outputs, self.hints.shape[2])


@dataclass(frozen=True)
class Layout:
    """How `Lesson.pack` lays out a row."""

    copies: int
    outputs: int
    hints: int

    def unpack(self, packed: tf.Tensor, epoch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return label [n], weight [n], outputs [n, k] and hints [n, h] in an epoch."""
        width = self.outputs + self.hints
        start = 2 + tf.cast(epoch % self.copies, tf.int32) * width
        own = tf.slice(packed, tf.stack([0, start]), [-1, width])
        own = tf.ensure_shape(own, [None, width])
        return packed[:, 0], packed[:, 1], own[:, : self.outputs], own[:, self.outputs :]
