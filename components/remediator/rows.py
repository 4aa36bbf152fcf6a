"""Rows of a split, and what the remedies are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from components.models.metric_names import Task
from components.models.transformed import LABEL

if TYPE_CHECKING:
    import tf_keras

    from components.models.specification import Specification
    from components.models.training_config import TrainingConfig
    from components.models.transformed import Features

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """Some rows of a split.

    Attributes
    ----------
    labels : ndarray, shape [n]
        Index of the class, or the number.
    arrays : dict of str to ndarray
        What a model takes of them, and the label.
    columns : dict of str to ndarray
        Raw columns: float64 where NaN is a missing value, or text where "" is one.
    records : tuple of bytes
        Serialized tf.Examples; empty for rows that nobody scores.
    """

    labels: np.ndarray
    arrays: Arrays
    columns: dict[str, np.ndarray]
    records: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Rows:
        """Return the rows at the given places."""
        return replace(
            self,
            labels=self.labels[rows],
            arrays={name: values[rows] for name, values in self.arrays.items()},
            columns={name: values[rows] for name, values in self.columns.items()},
            records=tuple(self.records[row] for row in rows) if self.records else (),
        )

    def halves(self, share: float, seed: int) -> tuple[Rows, Rows]:
        """Return two parts, drawn by the seed, of which the first has so large a share."""
        order = np.random.default_rng(seed).permutation(len(self))
        first = min(max(round(share * len(self)), 1), len(self) - 1)
        return self.take(np.sort(order[:first])), self.take(np.sort(order[first:]))


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
