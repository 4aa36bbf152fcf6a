"""Rows of one stretch of time, as they are watched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.models.metric_names import BINARY, REGRESSION, Task
from components.models.rows import Columns


@dataclass(frozen=True)
class Problem:
    """What is predicted.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    label : str
    classes : tuple of str
        Of two, the positive one is last; empty for a regression.
    """

    task: Task
    label: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """Rows in the order of their times.

    Attributes
    ----------
    name : str
    columns : dict of str to ndarray
        The raw features.
    labels : ndarray of float64, shape [n]
        Index of the class, or the number; NaN while it is unknown.
    scores : dict of str to ndarray, shape [n, k]
        Of each model: probabilities, or values [n, 1].
    time : ndarray of float64, shape [n], or None
        Seconds since 1970.
    keys : ndarray of text, shape [n], or None
    """

    name: str
    columns: Columns
    labels: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    time: NDArray[np.float64] | None = None
    keys: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label, shape [n]."""
        known: NDArray[np.bool_] = ~np.isnan(self.labels)
        return known

    def take(self, rows: NDArray[Any]) -> Span:
        """Return the rows at the given places, or where a mask is true."""
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            labels=self.labels[rows],
            scores={name: values[rows] for name, values in self.scores.items()},
            time=None if self.time is None else self.time[rows],
            keys=None if self.keys is None else self.keys[rows],
        )


def predicted(scores: NDArray[np.float64], task: Task) -> NDArray[np.float64]:
    """Return the predicted class's index, or the value, of each row, shape [n]."""
    if task == REGRESSION:
        found: NDArray[Any] = scores[:, 0]
    elif task == BINARY:
        found = scores[:, -1] > 0.5
    else:
        found = scores.argmax(axis=1)
    return np.asarray(found, np.float64)
