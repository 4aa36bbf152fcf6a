"""Training on, while a model is compressed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor.recipes.base import Work
from components.models import augmentation, input_pipeline, scores, stepping, training
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import LABEL


def steps(work: Work, epochs: int | None = None) -> int:
    """Return how many steps `fit` takes."""
    rows = len(work.train[LABEL])
    return (epochs or work.config.fine_tuning.epochs) * math.ceil(rows / work.hp.batch_size)


def fit(
    model: tf_keras.Model,
    work: Work,
    callbacks: Sequence[tf_keras.callbacks.Callback] = (),
    *,
    epochs: int | None = None,
    each_step: bool = True,
) -> None:
    """Train a model in place, as it was trained but for the learning rate.

    The model keeps the weights of the last epoch: earlier ones may not be as sparse yet.

    Parameters
    ----------
    model : tf_keras.Model
    work : Work
    callbacks : sequence of Callback
    epochs : int, optional
        Instead of the config's.
    each_step : bool
        Whether callbacks hear of every step, or only of each
        `components.models.stepping.STEPS_PER_CALL`, which takes less time.
    """
    tuning = work.config.fine_tuning
    epochs = epochs or tuning.epochs
    tf_keras.utils.set_random_seed(work.training.seed)
    tf.config.experimental.enable_op_determinism()
    labels = work.train[LABEL]
    weights = None
    if work.training.class_weights == "balanced" and not work.features.regression:
        shares = training.balanced_class_weights(labels, len(work.features.classes))
        table = np.array([shares[i] for i in range(len(shares))], np.float32)
        weights = table[labels.astype(np.int64)]
    rate = work.hp.learning_rate * tuning.learning_rate
    hp = work.hp.model_copy(update={"learning_rate": rate})
    model.compile(
        optimizer=training.optimizer(hp, steps(work, epochs)), loss=scores.loss(work.features.task)
    )
    images = isinstance(hp, ImageHyperParameters)
    data = input_pipeline.shuffled_epochs(
        work.train,
        label=LABEL,
        batch_size=hp.batch_size,
        seed=work.training.seed,
        epochs=range(epochs),
        weights=weights,
        augmentation=augmentation.make(hp, work.training.seed) if images else None,
    )
    arguments = {"epochs": epochs, "steps_per_epoch": steps(work, 1), "verbose": 0}
    if callbacks and each_step:
        model.fit(data, callbacks=list(callbacks), **arguments)
    else:
        stepping.fit(model, data, callbacks=list(callbacks), **arguments)
