"""Training a network on, from the weights that it has, with rows of other weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models import augmentation, training
from components.models.hyperparameters import (
    HyperParameters,
    ImageHyperParameters,
    TreesHyperParameters,
)
from components.models.transformed import LABEL
from components.remediator.problem import Arrays, Problem

Hyper = HyperParameters | ImageHyperParameters


class Weighted(tf_keras.Model):
    """A network's layers, trained on labels that are packed with the weights of their rows.

    Parameters
    ----------
    network : tf_keras.Model
        Whose layers it shares.
    """

    def __init__(self, network: tf_keras.Model) -> None:
        super().__init__(inputs=network.input, outputs=network.output, name=network.name)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Take one step; see `tf_keras.Model.train_step`."""
        result: dict[str, tf.Tensor] = super().train_step(_unpack(data))
        return result

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Measure a batch; see `tf_keras.Model.test_step`."""
        result: dict[str, tf.Tensor] = super().test_step(_unpack(data))
        return result


def packed(arrays: Mapping[str, np.ndarray], weights: np.ndarray) -> Arrays:
    """Return arrays whose label [n, 2] is the label and the weight of each row."""
    return {**arrays, LABEL: np.stack([arrays[LABEL], weights], axis=1).astype(np.float32)}


def _unpack(data: Any) -> tuple[Any, tf.Tensor, tf.Tensor]:
    features, label = data
    return features, label[:, :1], label[:, 1]


def is_network(problem: Problem) -> bool:
    """Tell whether the model has weights that a gradient could change."""
    return not any(
        isinstance(member.model, TreesHyperParameters) for member in problem.specification.members
    )


def hyperparameters(problem: Problem) -> Hyper:
    """Return how the network is trained on: as it was, with a rate that falls to nothing.

    Raises
    ------
    InputError
        The model is one of trees.
    """
    if not is_network(problem):
        raise InputError(
            "Trees cannot be trained on from where they are.",
            setting="trainer.model.architecture",
            expected="a network",
            got="trees",
        )
    hp = problem.specification.members[0].model
    assert not isinstance(hp, TreesHyperParameters)
    return hp.model_copy(
        update={"schedule": "cosine", "epochs": problem.epochs, "patience": problem.epochs}
    )


def copied(model: tf_keras.Model) -> tf_keras.Model:
    """Return a network of the same layers and weights."""
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def class_weights(problem: Problem, labels: np.ndarray) -> np.ndarray:
    """Return the weight [n] that the Trainer gave to rows of these labels."""
    if problem.training.class_weights != "balanced" or problem.features.regression:
        return np.ones(len(labels))
    table = training.balanced_class_weights(problem.train.labels, len(problem.features.classes))
    return np.array([table[index] for index in range(len(table))])[labels.astype(np.int64)]


def fit(
    problem: Problem,
    train: Mapping[str, np.ndarray],
    weights: np.ndarray,
    validation_weights: np.ndarray,
    *,
    hp: Hyper | None = None,
) -> tf_keras.Model:
    """Return a copy of the model that is trained on, with the weights of its best epoch.

    Parameters
    ----------
    problem : Problem
    train : mapping
        Arrays of training rows, which need not be those of the problem.
    weights, validation_weights : ndarray, shape [n]
        Of these rows, and of those that keep the best epoch; relative to those of the Trainer.
    hp : HyperParameters or ImageHyperParameters, optional
        Instead of `hyperparameters`.

    Raises
    ------
    InputError
        The model is one of trees.
    OutOfTimeError
        The deadline passes within the first epoch.
    """
    tuning = problem.tuning.arrays
    network = copied(problem.model)
    run(
        problem,
        Weighted(network),
        packed(train, weights * class_weights(problem, train[LABEL])),
        packed(tuning, validation_weights * class_weights(problem, tuning[LABEL])),
        hp=hp,
    )
    return network


def run(
    problem: Problem,
    model: tf_keras.Model,
    train: Mapping[str, np.ndarray],
    validation: Mapping[str, np.ndarray],
    *,
    hp: Hyper | None = None,
) -> None:
    """Train `model` in place, up to the problem's deadline."""
    tf_keras.utils.set_random_seed(problem.seed)
    tf.config.experimental.enable_op_determinism()
    hp = hp or hyperparameters(problem)
    training.train(
        model,
        train,
        validation,
        label=LABEL,
        task=problem.task,
        hp=hp,
        epochs=problem.epochs,
        patience=problem.epochs,
        seed=problem.seed,
        augmentation=(
            augmentation.make(hp, problem.seed) if isinstance(hp, ImageHyperParameters) else None
        ),
        deadline=problem.deadline,
    )
