"""What is fitted, and what it is fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.linalg

from components.dimensionality_reducer.accumulation import Accumulator
from components.dimensionality_reducer.columns import Batch, Columns
from components.dimensionality_reducer.moments import Moments
from components.dimensionality_reducer.scaling import Scaling

#: A direction whose variance is this share of the largest one is none: float32 numbers
#: have no more digits.
RANK_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Basis:
    """A fitted method: ``z = (x - centre) weights``, x being scaled columns.

    Non-negative factors are the z >= 0 that minimise ``|x - z loadings|`` instead, and
    their weights are the transposed loadings.

    Attributes
    ----------
    weights : array, shape (f, c)
    centre : array, shape (f,)
    loadings : array, shape (c, f)
        What each component is made of, column by column; the largest in absolute value
        is positive.
    scores : array, shape (c,)
        How much each component says; the table of reducers tells what of.
    inverse : array, shape (c, f) or None
        With ``z inverse + centre`` as the reconstruction of x; None if the method has
        none of its own.
    non_negative : bool
    notes : tuple of str
        What the user should know of the fit.
    """

    weights: np.ndarray
    centre: np.ndarray
    loadings: np.ndarray
    scores: np.ndarray
    inverse: np.ndarray | None
    non_negative: bool = False
    notes: tuple[str, ...] = ()

    def with_fixed_signs(self) -> Basis:
        """Return the same basis with the largest loading of each component positive."""
        rows = np.arange(len(self.loadings))
        signs = np.sign(self.loadings[rows, np.abs(self.loadings).argmax(axis=1)])
        signs[signs == 0] = 1.0
        return replace(
            self,
            weights=self.weights * signs,
            loadings=self.loadings * signs[:, np.newaxis],
            inverse=None if self.inverse is None else self.inverse * signs[:, np.newaxis],
        )

    def first(self, components: int) -> Basis:
        """Return the basis of the first components; only for methods that are nested."""
        return replace(
            self,
            weights=self.weights[:, :components],
            loadings=self.loadings[:components],
            scores=self.scores[:components],
            inverse=None if self.inverse is None else self.inverse[:components],
        )


@dataclass(frozen=True)
class Statistics:
    """Moments of the scaled columns x and of the targets y.

    Attributes
    ----------
    count : int
    mean : array, shape (f,)
    scatter : array, shape (f, f)
        Sums of products of deviations from the means.
    cross : array, shape (f, q)
    target_mean : array, shape (q,)
    target_scatter : array, shape (q, q)
    low : array, shape (f,)
        Least value of each column.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray
    cross: np.ndarray
    target_mean: np.ndarray
    target_scatter: np.ndarray
    low: np.ndarray

    @classmethod
    def of(cls, moments: Moments, scaling: Scaling) -> Statistics:
        """Return the statistics of scaled columns."""
        width = len(moments.low)
        kept, shift, scale = scaling.kept, scaling.shift, scaling.scale
        return cls(
            count=moments.count,
            mean=(moments.mean[kept] - shift) * scale,
            scatter=moments.scatter[np.ix_(kept, kept)] * np.outer(scale, scale),
            cross=moments.scatter[kept, width:] * scale[:, np.newaxis],
            target_mean=moments.mean[width:],
            target_scatter=moments.scatter[width:, width:],
            low=(moments.low[kept] - shift) * scale,
        )

    @cached_property
    def eigen(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of the covariance (ddof 1), falling, and eigenvectors as rows."""
        values, vectors = scipy.linalg.eigh(self.scatter / max(self.count - 1, 1))
        return np.maximum(values[::-1], 0.0), vectors.T[::-1]

    @property
    def rank(self) -> int:
        """Number of directions that the rows vary in."""
        values, _ = self.eigen
        return int((values > RANK_TOLERANCE * values[0]).sum())

    @property
    def second_moments(self) -> np.ndarray:
        """Sums of products of the columns themselves [f, f]."""
        return self.scatter + self.count * np.outer(self.mean, self.mean)

    @property
    def class_counts(self) -> np.ndarray:
        """Rows of each class, where the targets are indicators of classes."""
        return np.rint(self.target_mean * self.count).astype(np.int64)


@dataclass(frozen=True)
class Rows:
    """All rows in memory.

    Attributes
    ----------
    x : array, shape (n, f)
        Scaled columns.
    label : array, shape (n,)
    targets : array, shape (n, q)
    statistics : Statistics
        Of these rows.
    """

    x: np.ndarray
    label: np.ndarray
    targets: np.ndarray
    statistics: Statistics


@dataclass(frozen=True)
class Stream:
    """Rows that are read batch by batch.

    Attributes
    ----------
    columns : Columns
    scaling : Scaling
    statistics : Statistics
        Of all rows.
    sample : Batch
        Some of them.
    accumulate : callable
        Takes a function from a shard's number to an accumulator, makes one pass over all
        rows, and returns the accumulator of all.
    """

    columns: Columns
    scaling: Scaling
    statistics: Statistics
    sample: Batch
    accumulate: Callable[[Callable[[int], Accumulator]], Accumulator]

    def rows(self, batch: Batch) -> np.ndarray:
        """Return a batch's scaled columns [n, f]."""
        return self.scaling.dense(self.columns.design(batch))
