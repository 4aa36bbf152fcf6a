"""What the remedies are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from components.models.metric_names import Task
from components.models.rows import Rows
from components.models.transformed import LABEL

if TYPE_CHECKING:
    import tf_keras

    from components.models.specification import Specification
    from components.models.training_config import TrainingConfig
    from components.models.transformed import Features

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """A model that fails a check, and what a remedy may learn from.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    features : Features
        What the arrays are.
    model : tf_keras.Model
        From these to logits or values; remedies leave it as it is.
    specification : Specification
        What it is made of.
    training : TrainingConfig
        How it was trained.
    train : Rows
    tuning : Rows
        By which trainings keep the best epoch, and thresholds and the like are fitted.
    served_columns : frozenset of str
        Raw columns that the served model takes.
    epochs, seed : int
    deadline : float
        Of `time.monotonic`.
    """

    task: Task
    features: Features
    model: tf_keras.Model
    specification: Specification
    training: TrainingConfig
    train: Rows
    tuning: Rows
    served_columns: frozenset[str]
    epochs: int
    seed: int
    deadline: float


def features_of(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Return arrays without the label."""
    return {name: values for name, values in arrays.items() if name != LABEL}
