"""What a remedy makes: a network, and what is added to its logits."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import tf_keras

from components.models import export, measuring
from components.models.metric_names import Task
from components.models.rows import Rows
from components.models.transformed import Features
from components.remediator import group_shift
from components.remediator.group_shift import GroupShift


@dataclass(frozen=True)
class Candidate:
    """A remedied model.

    Attributes
    ----------
    model : tf_keras.Model
        From transformed features to logits or values.
    strength : str
        How strongly the remedy was applied, for people.
    shift : GroupShift or None
        Of its logits, by the raw column of a group.
    """

    model: tf_keras.Model
    strength: str = ""
    shift: GroupShift | None = None

    def shifts(self, rows: Rows) -> np.ndarray:
        """Return what is added to the logit of each row [n]."""
        return np.zeros(len(rows)) if self.shift is None else self.shift.of(rows.columns)

    def scores(self, rows: Rows, task: Task) -> np.ndarray:
        """Return the scores [n, k] of rows."""
        outputs = measuring.outputs(self.model, rows.arrays)
        return measuring.scores(outputs + self.shifts(rows)[:, np.newaxis], task)

    def save(
        self,
        features: Features,
        transform_graph: str | os.PathLike[str],
        directory: str | os.PathLike[str],
        projection: str | os.PathLike[str] | None = None,
    ) -> None:
        """Write of a Model artifact what is served: see `components.models.export`."""
        if self.shift is None:
            export.save_served(self.model, features, transform_graph, directory, projection)
        else:
            group_shift.save(
                self.shift, self.model, features, transform_graph, directory, projection
            )
