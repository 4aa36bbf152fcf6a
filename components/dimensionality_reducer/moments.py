"""Exact means and covariances of the columns and targets, which add up over shards."""

from __future__ import annotations

import numpy as np

from components.dimensionality_reducer.accumulation import Accumulator
from components.dimensionality_reducer.columns import Batch, Columns


class Moments(Accumulator):
    """Count, means, sums of products of deviations from them, and ranges.

    Batches are summed around their own mean in double precision, and merged by the
    pairwise update, which loses no digits where means are large beside deviations.

    Parameters
    ----------
    columns : Columns
        The d reduced columns come first, the q targets after them.

    Attributes
    ----------
    count : int
    mean : array, shape (d + q,)
    scatter : array, shape (d + q, d + q)
    low, high : array, shape (d,)
        Range of each reduced column; infinite without rows.

    References
    ----------
    T. Chan, G. Golub, R. LeVeque: Updating formulae and a pairwise algorithm for
    computing sample variances. COMPSTAT 1982.
    """

    ARRAYS = ("count", "mean", "scatter", "low", "high")

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        width = columns.width
        self.count = 0
        self.mean = np.zeros(width + columns.targets)
        self.scatter = np.zeros((width + columns.targets,) * 2)
        self.low = np.full(width, np.inf)
        self.high = np.full(width, -np.inf)

    def add(self, batch: Batch) -> None:
        if len(batch):
            self._update(*self._sums(batch))

    def merge(self, other: Moments) -> None:
        if other.count:
            self._update(int(other.count), other.mean, other.scatter, other.low, other.high)

    def _update(
        self, count: int, mean: np.ndarray, scatter: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> None:
        total = self.count + count
        delta = mean - self.mean
        self.scatter += scatter
        self.scatter += np.outer(delta, delta * (self.count * count / total))
        self.mean += delta * (count / total)
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, high)
        self.count = total

    def _sums(self, batch: Batch) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        count, numbers = len(batch), len(self._columns.numeric)
        deviations = np.concatenate(
            [batch.numeric.astype(np.float64), self._columns.target(batch)], axis=1
        )
        mean = deviations.mean(axis=0)
        deviations -= mean
        scatter = deviations.T @ deviations
        low, high = batch.numeric.min(axis=0), batch.numeric.max(axis=0)
        indicators = self._columns.indicators(batch)
        if indicators is None:
            return count, mean, scatter, low, high
        ones = np.asarray(indicators.sum(axis=0)).reshape(-1)
        share = ones / count
        among = (indicators.T @ indicators).toarray() - count * np.outer(share, share)
        # The deviations sum to zero, so that the shares drop out.
        across = indicators.T @ deviations
        own, target = slice(None, numbers), slice(numbers, None)
        return (
            count,
            np.concatenate([mean[own], share, mean[target]]),
            np.block(
                [
                    [scatter[own, own], across[:, own].T, scatter[own, target]],
                    [across[:, own], among, across[:, target]],
                    [scatter[target, own], across[:, target].T, scatter[target, target]],
                ]
            ),
            np.concatenate([low, ones == count]),
            np.concatenate([high, ones > 0]),
        )
