"""The model that is looked into, and the rows on which it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from components.models.metric_names import Task
from components.models.rows import Columns as Columns  # for those who take a Subject

if TYPE_CHECKING:
    import tf_keras

    from components.models.transformed import Features


@dataclass(frozen=True)
class Subject:
    """A model and some rows of a split.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    classes : tuple of str
        Of two, the positive one is last; empty for a regression.
    label : str
        Column of the label.
    columns : dict of str to ndarray
        The raw features; empty for images.
    labels : ndarray, shape [n]
        Index of the class, or the number.
    scores : ndarray, shape [n, k]
        Probabilities, for binary tasks with the positive class last; or values [n, 1].
    predict : callable or None
        The served model: raw columns to scores. None for images.
    images : ndarray, shape [n, h, w, c], or None
        Pixels from 0 to 255.
    model : tf_keras.Model or None
        From transformed features to logits or values; None where there is none.
    arrays : dict of str to ndarray
        Transformed features of the same rows, and the label.
    features : Features
        What these are.
    time : ndarray, shape [n], or None
        Seconds, of the column that orders the rows.
    row_ids : ndarray, shape [n]
        Place of each row in its split, from 0.
    seed : int
    """

    task: Task
    classes: tuple[str, ...]
    label: str
    columns: Columns
    labels: np.ndarray
    scores: np.ndarray
    predict: Callable[[Columns], np.ndarray] | None
    images: np.ndarray | None
    model: tf_keras.Model | None
    arrays: dict[str, np.ndarray]
    features: Features
    time: np.ndarray | None
    row_ids: np.ndarray
    seed: int

    def __len__(self) -> int:
        return len(self.labels)

    def sample(self, rows: int) -> Subject:
        """Return at most so many rows, drawn by the seed, in their order."""
        if rows >= len(self):
            return self
        chosen = np.sort(np.random.default_rng(self.seed).choice(len(self), rows, replace=False))
        return self.take(chosen)

    def take(self, rows: np.ndarray) -> Subject:
        """Return the given rows."""
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            labels=self.labels[rows],
            scores=self.scores[rows],
            images=None if self.images is None else self.images[rows],
            arrays={name: values[rows] for name, values in self.arrays.items()},
            time=None if self.time is None else self.time[rows],
            row_ids=self.row_ids[rows],
        )
