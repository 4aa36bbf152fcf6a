"""One feature of the reference beside the same of current rows, and what chance would give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
#: Values of a categorical feature that are cells of their own.
MOST_CELLS = 500


@dataclass(frozen=True)
class Pair:
    """What the measures compare.

    Attributes
    ----------
    reference, current : ndarray of int64, shape [k]
        Rows in each cell; the last holds those without a value.
    reference_values, current_values : ndarray of float64
        Sorted values of a numeric feature: of a sample of the reference, and of all current rows.
    scale : float
        Standard deviation of a numeric feature in the reference, or 1 if that is 0.
    resamples : int
    seed : int
    """

    reference: Counts
    current: Counts
    reference_values: NDArray[np.float64]
    current_values: NDArray[np.float64]
    scale: float
    resamples: int
    seed: int

    @cached_property
    def null(self) -> tuple[Counts, Counts]:
        """Counts by chance of the reference and the current rows, each [resamples, k]."""
        return shuffled(self.reference, self.current, self.resamples, self.seed)


def by_value(
    reference: Mapping[str, int], current: Mapping[str, int], missing: tuple[int, int]
) -> tuple[Counts, Counts]:
    """Return the counts of values that either side has, so that the sides are treated alike.

    A cell for all values that the reference lacks would seem to fill up in any window of a feature
    with many rare values; and those chosen as frequent in the reference would seem to get rarer.
    So each value is a cell, and if there are too many, the rarest on both sides together are one.

    Parameters
    ----------
    reference, current : mapping of str to int
        Rows with each value.
    missing : (int, int)
        Rows without one.

    Returns
    -------
    reference, current : ndarray of int64, shape [k]
        At most `MOST_CELLS` values, then the others, then missing ones.
    """
    values = [*reference, *(value for value in current if value not in reference)]
    counts = np.array([[side.get(v, 0) for v in values] for side in (reference, current)], np.int64)
    pooled = counts.sum(axis=0)
    kept = np.ones(len(values), bool)
    if len(values) > MOST_CELLS:
        # Of equally rare ones none is kept: their order would favour a side.
        kept = pooled > np.partition(pooled, -MOST_CELLS - 1)[-MOST_CELLS - 1]
    rest = counts[:, ~kept].sum(axis=1)
    first, second = np.column_stack([counts[:, kept], rest, missing])
    return first, second


def shuffled(
    reference: Counts, current: Counts, resamples: int, seed: int
) -> tuple[Counts, Counts]:
    """Return counts as they would be had the rows been dealt out at random.

    Shuffled rows are counted as a draw without replacement from all counts together, a
    multivariate hypergeometric one, so that no row is touched.

    Parameters
    ----------
    reference, current : ndarray of int64, shape [k]
    resamples, seed : int

    Returns
    -------
    reference, current : ndarray of int64, shape [resamples, k]
    """
    pooled = reference + current
    # A cell without a row stays so; leaving it out is faster.
    there = np.flatnonzero(pooled)
    drawn = np.zeros((resamples, len(pooled)), np.int64)
    rng = np.random.default_rng(seed)
    drawn[:, there] = rng.multivariate_hypergeometric(
        pooled[there], int(current.sum()), size=resamples, method="marginals"
    )
    return pooled - drawn, drawn


def exceedance(observed: float, by_chance: NDArray[np.float64]) -> float:
    """Return the share of statistics, the observed one included, that are as great.

    As no rank of the observed one is likelier than another, the chance of a value of at most alpha
    is at most alpha.
    """
    # Rounding must not set apart what is equally great.
    near = 1e-9 * (abs(observed) + 1e-9)
    return float((1 + (by_chance >= observed - near).sum()) / (1 + len(by_chance)))
