"""How much of the rows the components lose, overall and by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.dimensionality_reducer.accumulation import Accumulator
from components.dimensionality_reducer.basis import Basis, Statistics
from components.dimensionality_reducer.columns import Batch, Columns
from components.dimensionality_reducer.scaling import Scaling
from components.models.projection import Projection
from components.models.transformed import NUMERIC

#: What the figures are, for the report.
DEFINITION = (
    "mean over the rows of the squared distance between the scaled columns and what the "
    "components give back of them, divided by the same for the mean of the train split: "
    "0 loses nothing, 1 is no better than the mean"
)
LEAST_SQUARES = (
    "; the method has no inverse, and the components are mapped back by least squares "
    "on the train split"
)


@dataclass(frozen=True)
class Inverse:
    """Maps components to scaled columns: ``z matrix + offset``.

    Attributes
    ----------
    matrix : array, shape (c, f)
    offset : array, shape (f,)
    """

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, basis: Basis, statistics: Statistics) -> Inverse:
        """Return the method's own inverse, or the least squares back-projection."""
        if basis.inverse is not None:
            return cls(basis.inverse, basis.centre)
        # z is centred: z'z = w' S w and z'x = w' S.
        shared = basis.weights.T @ statistics.scatter
        matrix, *_ = np.linalg.lstsq(shared @ basis.weights, shared, rcond=None)
        return cls(matrix, basis.centre)


class Errors(Accumulator):
    """Sums of squared errors of the rows of each class, or of all if there are none.

    Attributes
    ----------
    counts : array, shape (classes,)
    lost : array, shape (classes,)
        Squared distances between rows and their reconstruction.
    spread : array, shape (classes,)
        Squared distances between rows and the mean of the train split.
    """

    ARRAYS = ("counts", "lost", "spread")

    def __init__(
        self,
        columns: Columns,
        scaling: Scaling,
        projection: Projection,
        inverse: Inverse,
        mean: np.ndarray,
    ) -> None:
        self._columns, self._scaling, self._projection = columns, scaling, projection
        self._inverse, self._mean = inverse, mean
        self.counts, self.lost, self.spread = np.zeros((3, columns.targets))

    def add(self, batch: Batch) -> None:
        x = self._scaling.dense(self._columns.design(batch))
        z = self._projection.run(batch.features())[NUMERIC].astype(np.float64)
        back = z @ self._inverse.matrix + self._inverse.offset
        group = (
            batch.label.astype(np.int64)
            if self._columns.classes
            else np.zeros(len(batch), np.int64)
        )
        size = self._columns.targets
        self.counts += np.bincount(group, minlength=size)
        self.lost += np.bincount(group, ((x - back) ** 2).sum(axis=1), minlength=size)
        self.spread += np.bincount(group, ((x - self._mean) ** 2).sum(axis=1), minlength=size)

    def merge(self, other: Errors) -> None:
        self.counts += other.counts
        self.lost += other.lost
        self.spread += other.spread
