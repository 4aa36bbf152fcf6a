"""Pruning and shared values, for the smallest file; see `components.compressor.deep_compression`.

The model goes into TF Lite as any other, where zeros and shared values make it smaller once it is
packed; `deep_compression.container` makes far less of it.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor.deep_compression.compression import compress
from components.compressor.deep_compression.config import DeepCompressionConfig
from components.compressor.deep_compression.descent import Lessons
from components.compressor.recipes.base import SPARSIFY, Draft, Recipe, Work, copy_model
from components.models import augmentation, input_pipeline, training
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import LABEL

NAME = "deep_compression"


def apply(draft: Draft, work: Work) -> Draft:
    """Return the draft of a model whose weights are mostly zero, and share few values."""
    settings = work.config.deep_compression
    tf_keras.utils.set_random_seed(work.training.seed)
    tf.config.experimental.enable_op_determinism()
    model = copy_model(draft.model)
    compress(model, lessons(draft.model, work, settings), settings)
    return draft.after(NAME, model)


def lessons(teacher: tf_keras.Model, work: Work, settings: DeepCompressionConfig) -> Lessons:
    """Return the batches that a model was trained with, beside what a teacher says of them."""
    labels, weights = work.train[LABEL], None
    if work.training.class_weights == "balanced" and not work.features.regression:
        shares = training.balanced_class_weights(labels, len(work.features.classes))
        table = np.array([shares[i] for i in range(len(shares))], np.float32)
        weights = table[labels.astype(np.int64)]
    changed = None
    if isinstance(work.hp, ImageHyperParameters):
        changed = augmentation.make(work.hp, work.training.seed)

    def batches(epochs: range) -> tf.data.Dataset:
        return input_pipeline.shuffled_epochs(
            work.train,
            label=LABEL,
            batch_size=work.hp.batch_size,
            seed=work.training.seed,
            epochs=epochs,
            weights=weights,
            augmentation=changed,
        )

    return Lessons(
        batches,
        math.ceil(len(labels) / work.hp.batch_size),
        work.features.task,
        teacher,
        settings.temperature,
        settings.learning_rate,
    )


RECIPE = Recipe(SPARSIFY, apply, "Pruned, with shared values")
