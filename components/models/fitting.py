"""Build and train one model, whatever its family: what the Trainer and a trial do alike."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.models import augmentation, export, training, transformed
from components.models.distribution.base import Strategy
from components.models.hyperparameters import ImageHyperParameters, TreesHyperParameters
from components.models.specification import Member
from components.models.training_config import TrainingConfig

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Watch:
    """How a training is watched.

    Attributes
    ----------
    on_epoch : callable or None
        Takes the index of the epoch (of boosted trees: of the chunk of rounds) that ended and
        the validation loss without penalties, and returns whether to stop.
    deadline : float or None
        Of `time.monotonic`, at which the training ends with the best weights so far.
    checkpoints : Path or None
        Directory of the checkpoint; one that is there is resumed from. Trees have none.
    checkpoint_seconds : float
        Least time between two checkpoints.
    keep_checkpoint : bool
        Whether the last epoch's state is kept there, for a training with more epochs.
    logs : Path or None
        Directory of the TensorBoard logs.
    """

    on_epoch: Callable[[int, float], bool] | None = None
    deadline: float | None = None
    checkpoints: Path | None = None
    checkpoint_seconds: float = 5.0
    keep_checkpoint: bool = False
    logs: Path | None = None

    def should_stop(self, epoch: int, loss: float) -> bool:
        """Tell whether a training ends after an epoch: it is told to, or its time is up."""
        told = self.on_epoch is not None and self.on_epoch(epoch, loss)
        return told or (self.deadline is not None and time.monotonic() >= self.deadline)


def fit(
    member: Member,
    features: transformed.Features,
    train: Arrays,
    validation: Arrays,
    config: TrainingConfig,
    *,
    epochs: int | None = None,
    watch: Watch = Watch(),
    strategy: Strategy[Any] | None = None,
) -> tuple[tf_keras.Model, training.History]:
    """Return a trained model.

    Parameters
    ----------
    member : Member
        What to build; its weight does not matter.
    features : Features
    train, validation : mapping
        Arrays as `transformed.load_arrays` returns them.
    config : TrainingConfig
        All but its model.
    epochs : int, optional
        Instead of the config's and the member's.
    watch : Watch
    strategy : Strategy, optional
        By which this process trains a network; else on one device.

    Notes
    -----
    The same seed and data give the same model, whichever thread is faster: it switches
    TensorFlow to deterministic operations.
    """
    tf_keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    labels = train[transformed.LABEL]
    class_weights = None
    if config.class_weights == "balanced" and not features.regression:
        class_weights = training.balanced_class_weights(labels, len(features.classes))
    member.check(features)
    if isinstance(member.model, TreesHyperParameters):
        from components.models import trees  # late: scikit-learn takes a second to import

        return trees.fit(
            member.model,
            features,
            train,
            validation,
            label=transformed.LABEL,
            seed=config.seed,
            class_weights=class_weights,
            on_round=watch.should_stop,
        )
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        model = build(member, features, labels)
        if strategy is not None:
            model = strategy.adapt(model)
    hp = member.model if epochs is None else member.model.model_copy(update={"epochs": epochs})
    images = isinstance(hp, ImageHyperParameters)
    history = training.train(
        model,
        train,
        validation,
        label=transformed.LABEL,
        task=features.task,
        hp=hp,
        epochs=config.epochs,
        patience=config.patience,
        seed=config.seed,
        class_weights=class_weights,
        augmentation=augmentation.make(hp, config.seed) if images else None,
        checkpoints=watch.checkpoints,
        checkpoint_seconds=watch.checkpoint_seconds,
        keep_checkpoint=watch.keep_checkpoint,
        logs=watch.logs,
        on_epoch=watch.on_epoch,
        deadline=watch.deadline,
        strategy=strategy,
    )
    return model, history


def build(member: Member, features: transformed.Features, labels: np.ndarray) -> tf_keras.Model:
    """Return the untrained network of a member, for training data with these labels."""
    mean, deviation = _target_moments(labels) if features.regression else (0.0, 1.0)
    return export.build(features, member, target_mean=mean, target_deviation=deviation)


def _target_moments(labels: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of a regression's labels, the latter never 0."""
    return float(np.mean(labels)), float(np.std(labels)) or 1.0
