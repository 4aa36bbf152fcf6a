"""Rows of a split in the forms in which a model's makers and its users know them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

#: One array [n] a column: float64 where NaN is a missing value, or text where "" is one.
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """Some rows of a split.

    Attributes
    ----------
    labels : ndarray, shape [n]
        Index of the class, or the number.
    arrays : dict of str to ndarray
        What a model takes of them, and the label.
    columns : dict of str to ndarray
        Raw columns: float64 where NaN is a missing value, or text where "" is one.
    records : tuple of bytes
        Serialized tf.Examples; empty where they were not kept.
    places : ndarray, shape [n]
        Of each row in its split, from 0.
    """

    labels: np.ndarray
    arrays: dict[str, np.ndarray]
    columns: dict[str, np.ndarray]
    records: tuple[bytes, ...] = ()
    places: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Rows:
        """Return the rows at the given places."""
        return replace(
            self,
            labels=self.labels[rows],
            arrays={name: values[rows] for name, values in self.arrays.items()},
            columns={name: values[rows] for name, values in self.columns.items()},
            records=tuple(self.records[row] for row in rows) if self.records else (),
            places=self.places[rows] if len(self.places) else self.places,
        )

    def halves(self, share: float, seed: int) -> tuple[Rows, Rows]:
        """Return two parts, drawn by the seed, of which the first has so large a share."""
        order = np.random.default_rng(seed).permutation(len(self))
        first = min(max(round(share * len(self)), 1), len(self) - 1)
        return self.take(np.sort(order[:first])), self.take(np.sort(order[first:]))
