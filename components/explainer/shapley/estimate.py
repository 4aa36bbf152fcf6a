"""What the ways of computing Shapley values have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

#: Coalitions, bool [m, features], to what they win, [rows, m, outputs].
Ask = Callable[[np.ndarray], np.ndarray]
#: Ask, features, coalitions at most and seed to estimates, each from more coalitions.
Estimator = Callable[[Ask, int, int, int], Iterator["Estimate"]]


@dataclass(frozen=True)
class Estimate:
    """Shapley values, and how sure they are.

    Attributes
    ----------
    values, errors : ndarray, shape [rows, features, outputs]
        The values, which sum up to the prediction less `base`, and their standard errors.
    base, predictions : ndarray, shape [rows, outputs]
        What no feature and all features win.
    coalitions : int
        Asked for, of each row.
    """

    values: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    predictions: np.ndarray
    coalitions: int

    @property
    def gap(self) -> float:
        """How far the sum of the values is from what it must be, at most."""
        return float(np.abs(self.values.sum(axis=1) - (self.predictions - self.base)).max())

    @property
    def relative_error(self) -> float:
        """Root mean square of the largest standard error of a row, by that of its range."""
        ranges = self.values.max(axis=1) - self.values.min(axis=1)
        largest = self.errors.max(axis=1)
        scale = float((ranges**2).mean())
        # Values that are all the same, such as of a constant model, leave no range.
        return float(np.sqrt((largest**2).mean() / scale)) if scale > 0 else 0.0


def efficient(values: np.ndarray, base: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return values [rows, features, outputs] that sum up as they must, to the last digit."""
    gap = predictions - base - values.sum(axis=1)
    return np.asarray(values + gap[:, np.newaxis] / values.shape[1])


def pair_differences(won: np.ndarray) -> np.ndarray:
    """Return half of what a coalition wins above the rest of the features, [rows, pairs, outputs].

    Parameters
    ----------
    won : ndarray, shape [rows, 2 pairs, outputs]
        Of coalitions, and in the same order of their complements.
    """
    pairs = won.shape[1] // 2
    return np.asarray((won[:, :pairs] - won[:, pairs:]) / 2)


def with_complements(coalitions: np.ndarray) -> np.ndarray:
    """Return coalitions [pairs, features] and then the complement of each."""
    return np.concatenate([coalitions, ~coalitions])


def rounds(first: int, most: int) -> list[int]:
    """Return growing numbers, each about twice the one before, the last of them `most`."""
    sizes = [most]
    while sizes[0] // 2 >= first:
        sizes.insert(0, sizes[0] // 2)
    return sizes
