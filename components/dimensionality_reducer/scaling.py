"""Bringing columns to one scale, and dropping those that never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse

from components.dimensionality_reducer.config import SECTION
from components.dimensionality_reducer.moments import Moments
from components.errors import InputError


@dataclass(frozen=True)
class Scaling:
    """Maps the columns of x to those that are fitted: ``(x[kept] - shift) * scale``.

    Attributes
    ----------
    kept : int array, shape (f,)
        Columns that are not constant on the train split.
    shift, scale : array, shape (f,)
    """

    kept: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, moments: Moments, standardize: bool | Literal["min_max"]) -> Scaling:
        """Return the scaling of columns with these moments.

        Raises
        ------
        InputError
            If all columns are constant.
        """
        kept = np.flatnonzero(moments.high > moments.low)
        if not len(kept):
            raise InputError(
                "Every column to reduce is constant on the train split.",
                setting=f"{SECTION}.method",
                expected="columns that vary",
                got=f"{len(moments.low)} constant columns, {moments.count} rows",
                remedy=f"Set {SECTION}.method to none.",
            )
        shift, scale = np.zeros(len(kept)), np.ones(len(kept))
        if standardize == "min_max":
            shift = moments.low[kept].astype(np.float64)
            scale = 1.0 / (moments.high[kept] - shift)
        elif standardize:
            scale = 1.0 / np.sqrt(moments.scatter[kept, kept] / moments.count)
        return cls(kept, shift, scale)

    def dense(self, matrix: np.ndarray | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return a matrix of all columns [n, d] as that of the scaled ones [n, f]."""
        chosen = matrix[:, self.kept]
        if scipy.sparse.issparse(chosen):
            chosen = chosen.toarray()
        return (chosen - self.shift) * self.scale

    def products(
        self, matrix: np.ndarray | scipy.sparse.csr_matrix, weights: np.ndarray
    ) -> np.ndarray:
        """Return ``W' X`` [c, f] of weights [n, c] and the scaled columns, kept sparse."""
        chosen = matrix[:, self.kept]
        raw = np.asarray((chosen.T @ weights).T)
        return (raw - np.outer(weights.sum(axis=0), self.shift)) * self.scale

    def affine(
        self, weights: np.ndarray, centre: np.ndarray, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the W [width, c] and b [c] with ``x W + b = (scaled x - centre) weights``."""
        result = np.zeros((width, weights.shape[1]))
        result[self.kept] = self.scale[:, np.newaxis] * weights
        return result, -(self.shift * self.scale + centre) @ weights

    def dropped(self, names: Sequence[str]) -> list[str]:
        """Return the names of the constant columns."""
        kept = set(self.kept.tolist())
        return [name for index, name in enumerate(names) if index not in kept]
