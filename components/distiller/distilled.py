"""A student in its training: the loop of every other model, with a loss of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.distiller import schedules
from components.distiller.objective import Layout, Lesson, Objective
from components.models import training
from components.models.augmentation import Augmentation
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.transformed import LABEL

#: The metric that is the soft part of the loss, and the directory of the logs and
#: checkpoints of a first phase.
SOFT_METRIC = "soft_loss"
FIRST_PHASE = "hints"

Features = Mapping[str, tf.Tensor]
Batch = tuple[Features, tf.Tensor]


class Distilled(tf_keras.Model):
    """A student's layers, with a step that minimises an `Objective`.

    Its ``loss`` is that of the labels, as in any training, so that curves can be compared.

    Parameters
    ----------
    student : tf_keras.Model
        Whose layers it shares.
    objective : Objective
    layouts : tuple of Layout
        Of the targets for training and for validation.
    steps, epochs : int
        Of an epoch, and those that are planned.
    hinted : tf_keras.Model, optional
        A regressor of hints (see `components.distiller.hints.regressor`), if these are
        a part of the loss.
    """

    def __init__(
        self,
        student: tf_keras.Model,
        objective: Objective,
        layouts: tuple[Layout, Layout],
        *,
        steps: int,
        epochs: int,
        hinted: tf_keras.Model | None = None,
    ) -> None:
        super().__init__(inputs=student.input, outputs=student.output, name=student.name)
        self._objective, self._layouts = objective, layouts
        self._steps, self._planned = steps, epochs
        self._soft_loss = tf_keras.metrics.Mean(SOFT_METRIC)
        self._both = None
        if hinted is not None:
            self._both = tf_keras.Model(student.input, [student.output, hinted.output])

    def train_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """Take one step; see `tf_keras.Model.train_step`."""
        features, packed = data
        step = self.optimizer.iterations
        label, weight, teacher, hints = self._layouts[0].unpack(packed, step // self._steps)
        mix = schedules.value(self._objective.mix, self._done(step))
        with tf.GradientTape() as tape:
            if self._both is None:
                outputs, hint = self(features, training=True), 0.0
            else:
                outputs, guess = self._both(features, training=True)
                hint = tf.reduce_mean((guess - hints) ** 2)
            hard = self.compiled_loss(label, outputs, weight, regularization_losses=self.losses)
            soft = self._objective.soft(outputs, teacher, label, self._done(step))
            penalties = tf.add_n(self.losses) if self.losses else 0.0
            # `hard` has the penalties, too.
            total = mix * (soft + penalties) + (1 - mix) * hard
            total += self._objective.hint_weight * hint
        self.optimizer.minimize(total, self.trainable_variables, tape=tape)
        self._soft_loss.update_state(soft, tf.shape(packed)[0])
        return self.compute_metrics(features, label, outputs, weight)

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """Measure a batch; see `tf_keras.Model.test_step`."""
        features, packed = data
        label, _, teacher, _ = self._layouts[1].unpack(packed, tf.constant(0, tf.int64))
        outputs = self(features, training=False)
        self.compiled_loss(label, outputs, regularization_losses=self.losses)
        soft = self._objective.soft(outputs, teacher, label, self._done(self.optimizer.iterations))
        self._soft_loss.update_state(soft, tf.shape(packed)[0])
        return self.compute_metrics(features, label, outputs, None)

    def _done(self, step: tf.Tensor) -> tf.Tensor:
        """Return the share of the planned steps."""
        return tf.cast(step, tf.float32) / (self._steps * self._planned)


class Hinted(tf_keras.Model):
    """The layers below a hint, which learn to foretell it; a plain regression.

    Parameters
    ----------
    hinted : tf_keras.Model
        See `components.distiller.hints.regressor`.
    layouts, steps
        As of `Distilled`.
    """

    def __init__(
        self, hinted: tf_keras.Model, layouts: tuple[Layout, Layout], *, steps: int
    ) -> None:
        super().__init__(inputs=hinted.input, outputs=hinted.output, name=hinted.name)
        self._layouts, self._steps = layouts, steps

    def train_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """Take one step; see `tf_keras.Model.train_step`."""
        features, packed = data
        epoch = self.optimizer.iterations // self._steps
        return super().train_step((features, self._layouts[0].unpack(packed, epoch)[3]))

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        """Measure a batch; see `tf_keras.Model.test_step`."""
        features, packed = data
        hints = self._layouts[1].unpack(packed, tf.constant(0, tf.int64))[3]
        return super().test_step((features, hints))


def train(
    student: tf_keras.Model,
    rows: Mapping[str, np.ndarray],
    lesson: Lesson,
    validation: Mapping[str, np.ndarray],
    validation_lesson: Lesson,
    objective: Objective,
    *,
    hp: HyperParameters | ImageHyperParameters,
    epochs: int,
    patience: int,
    seed: int,
    hinted: tf_keras.Model | None = None,
    first_phase: bool = False,
    augmentation: Augmentation | None = None,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    **arguments: Any,
) -> training.History:
    """Train a student in place and leave it with the weights of its best epoch.

    That is the one with the least loss of the labels on the validation rows, as in a
    training without a teacher.

    Parameters
    ----------
    student : tf_keras.Model
        Uncompiled.
    rows, validation : mapping
        Arrays by feature name, without the label.
    lesson, validation_lesson : Lesson
        What is taught of them; of the validation one copy.
    objective : Objective
    hp, epochs, patience, seed, augmentation, checkpoints, logs, **arguments
        As of `components.models.training.train`. Of an augmentation there are as many copies
        as the lesson has.
    hinted : tf_keras.Model, optional
        See `components.distiller.hints.regressor`.
    first_phase : bool
        Whether the student's lower layers learn the hints alone first (Romero et al. 2015,
        section 2.3), instead of beside all else.
    """
    layouts = (lesson.layout, validation_lesson.layout)
    data = [
        {**features, LABEL: taught.pack()}
        for features, taught in ((rows, lesson), (validation, validation_lesson))
    ]
    planned = hp.epochs or epochs
    steps = math.ceil(len(lesson.label) / hp.batch_size)
    common = {
        "label": LABEL,
        "hp": hp,
        "epochs": epochs,
        "patience": patience,
        "seed": seed,
        "augmentation": augmentation,
        **arguments,
    }

    def run(model: tf_keras.Model, task: str, place: str) -> training.History:
        return training.train(
            model,
            *data,
            task=task,
            checkpoints=checkpoints and checkpoints / place,
            logs=logs and logs / place,
            **common,
        )

    if hinted is not None and first_phase:
        # Its checkpoint stays: a training that is resumed later must not begin with it anew.
        common["keep_checkpoint"] = checkpoints is not None
        run(Hinted(hinted, layouts, steps=steps), "regression", FIRST_PHASE)
        hinted = None
    model = Distilled(student, objective, layouts, steps=steps, epochs=planned, hinted=hinted)
    return run(model, objective.task, "")
