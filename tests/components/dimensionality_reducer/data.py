"""Small transformed data, and shards of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import numpy as np

from components.dimensionality_reducer.columns import Batch, Columns, Shard
from components.models.transformed import CategoricalColumn


def batches(batch: Batch, size: int) -> Iterator[Batch]:
    """Yield the rows in batches; a function of the module, for Beam to pickle."""
    for start in range(0, len(batch), size):
        yield batch.take(slice(start, start + size))


def shards(batch: Batch, count: int = 3, size: int = 50) -> list[Shard]:
    """Return the rows as some shards of unequal length."""
    bounds = [len(batch) * (number * number) // (count * count) for number in range(count + 1)]
    return [
        functools.partial(batches, batch.take(slice(low, high)), size)
        for low, high in itertools.pairwise(bounds)
    ]


def rows_of(numeric: np.ndarray, label: np.ndarray, categorical: np.ndarray | None = None) -> Batch:
    """Return rows, by default without categories."""
    if categorical is None:
        categorical = np.zeros((len(numeric), 0), np.int64)
    return Batch(numeric.astype(np.float32), categorical, label)


def columns_of(batch: Batch, classes: int = 0, sizes: tuple[int, ...] = ()) -> Columns:
    """Return columns that fit the rows, all of which are reduced."""
    return Columns(
        numeric=tuple(f"x{number}" for number in range(batch.numeric.shape[1])),
        one_hot=tuple(
            CategoricalColumn(name=f"c{number}", size=size) for number, size in enumerate(sizes)
        ),
        classes=tuple(f"k{number}" for number in range(classes)),
    )
