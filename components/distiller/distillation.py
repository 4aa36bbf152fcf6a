"""Teaching students on data and answers that are there once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from components.distiller import distilled, hints, students
from components.distiller.config import DistillerConfig
from components.distiller.copies import Copies
from components.distiller.losses import LOSSES, Loss
from components.distiller.objective import Lesson, Objective
from components.distiller.students import Hyper
from components.distiller.teachers import Answers
from components.models import augmentation, training
from components.models.hyperparameters import ImageHyperParameters
from components.models.training_config import TrainingConfig
from components.models.transformed import LABEL, Features

Arrays = dict[str, np.ndarray]

#: Label of a row that has none: no class, and a value of no weight.
NO_CLASS = -1


def loss_of(config: DistillerConfig, task: str) -> Loss:
    """Return the loss for a task, with its options."""
    name = config.loss_for(task)
    loss = LOSSES[name]
    if name == "decoupled":
        return lambda *given: loss(*given, alpha=config.alpha, beta=config.beta)
    return loss


def copies_of(hp: Hyper, config: DistillerConfig, seed: int) -> Copies | None:
    """Return how the student's images are changed; None if they are not."""
    if not isinstance(hp, ImageHyperParameters):
        return None
    made = augmentation.make(hp, seed)
    return None if made is None else Copies.of(made, config.copies)


def lesson(
    labels: np.ndarray, found: Sequence[Answers], *, unlabelled: int = 0, weights: np.ndarray | None
) -> Lesson:
    """Return what is taught of some rows.

    Parameters
    ----------
    labels : ndarray, shape [n]
        Those of the last `unlabelled` rows are ignored.
    found : sequence of Answers
        Of each teacher, [copies, n, k]; the mean is taught. The hints are the first's.
    unlabelled : int
    weights : ndarray, optional
        Of each class.
    """
    labelled = np.arange(len(labels)) < len(labels) - unlabelled
    classes = np.issubdtype(labels.dtype, np.integer)
    weight = np.ones(len(labels)) if weights is None else weights[labels.astype(np.int64)]
    return Lesson(
        np.where(labelled, labels, NO_CLASS if classes else 0.0),
        np.where(labelled, weight, 0.0),
        np.mean([answers.outputs for answers in found], axis=0),
        found[0].hints,
    )


@dataclass(frozen=True)
class Distillation:
    """All that is needed to teach a student.

    Attributes
    ----------
    config : DistillerConfig
    features : Features
    rows, validation : dict of array
        Features alone.
    lesson, validation_lesson : Lesson
    labels : ndarray
        Of the labelled training rows.
    copies : Copies or None
        See `copies_of`.
    """

    config: DistillerConfig
    features: Features
    rows: Arrays
    lesson: Lesson
    validation: Arrays
    validation_lesson: Lesson
    labels: np.ndarray
    copies: Copies | None

    @property
    def training(self) -> TrainingConfig:
        """How students are trained, alone too."""
        shared = self.config.training
        assert shared is not None
        update = {
            name: value
            for name in ("epochs", "patience")
            if (value := getattr(self.config, name)) is not None
        }
        return shared.model_copy(update=update)

    def teach(
        self,
        hp: Hyper,
        *,
        epochs: int | None = None,
        checkpoints: Path | None = None,
        logs: Path | None = None,
    ) -> tuple[tf_keras.Model, training.History]:
        """Return a student with these hyperparameters, distilled.

        Parameters
        ----------
        hp : HyperParameters or ImageHyperParameters
        epochs : int, optional
            Instead of those of the settings.
        checkpoints, logs : Path, optional
            As of `components.models.training.train`. The last checkpoint is kept.
        """
        config, shared = self.config, self.training
        tf.config.experimental.enable_op_determinism()
        student = students.build(self.features, hp, self.labels, shared.seed)
        loss = loss_of(config, self.features.task)
        hint, hinted = config.hints, None
        if hint is not None:
            hinted = hints.regressor(student, hint.student, self.lesson.hints.shape[2])
        history = distilled.train(
            student,
            self.rows,
            self.lesson,
            self.validation,
            self.validation_lesson,
            Objective(
                self.features.task,
                loss,
                config.temperature,
                config.mix,
                hint.weight if hint is not None and hint.phases == "joint" else 0.0,
            ),
            hp=hp if epochs is None else hp.model_copy(update={"epochs": epochs}),
            epochs=shared.epochs,
            patience=shared.patience,
            seed=shared.seed,
            hinted=hinted,
            first_phase=hint is not None and hint.phases == "two",
            augmentation=self.copies,
            checkpoints=checkpoints,
            keep_checkpoint=checkpoints is not None,
            logs=logs,
        )
        return student, history


def scaled_hints(found: Answers, deviation: float) -> Answers:
    """Return answers whose hints are in units of a standard deviation."""
    return found._replace(hints=found.hints / np.float32(deviation))


def features_of(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Return arrays without the label."""
    return {name: values for name, values in arrays.items() if name != LABEL}
