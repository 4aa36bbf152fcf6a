"""A bounded random sample of rows, which depends on the seed and the shards alone."""

from __future__ import annotations

import numpy as np

from components.dimensionality_reducer.accumulation import Accumulator
from components.dimensionality_reducer.columns import Batch, Columns


class Sample(Accumulator):
    """The rows with the smallest random keys.

    Parameters
    ----------
    columns : Columns
    size : int
        Most rows to keep.
    seed, shard : int
        Decide the keys.
    """

    ARRAYS = ("keys", "numeric", "categorical", "label")

    def __init__(self, columns: Columns, size: int, seed: int, shard: int) -> None:
        self._size = size
        self._random = np.random.default_rng([seed, shard])
        self.keys = np.zeros(0)
        self.numeric = np.zeros((0, len(columns.numeric)), np.float32)
        self.categorical = np.zeros((0, len(columns.one_hot) + len(columns.kept)), np.int64)
        self.label = np.zeros(0, np.int64 if columns.classes else np.float32)

    def add(self, batch: Batch) -> None:
        keys = self._random.random(len(batch))
        if len(self.keys) == self._size:
            better = keys < self.keys.max()
            keys, batch = keys[better], batch.take(better)
        self._take_in(keys, batch)

    def merge(self, other: Sample) -> None:
        self._take_in(other.keys, other.rows())

    def rows(self) -> Batch:
        """Return the sampled rows in a random order."""
        return Batch(self.numeric, self.categorical, self.label)

    def _take_in(self, keys: np.ndarray, batch: Batch) -> None:
        keys = np.concatenate([self.keys, keys])
        order = np.argsort(keys, kind="stable")[: self._size]
        rows = Batch.join([self.rows(), batch]).take(order)
        self.keys, self.numeric = keys[order], rows.numeric
        self.categorical, self.label = rows.categorical, rows.label
