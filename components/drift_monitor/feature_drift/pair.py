"""One feature of the reference beside the same of current rows, and what chance would give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


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
