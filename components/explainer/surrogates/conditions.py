"""Rows as numbers that conditions can be asked of, and the conditions in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from components.explainer.axes import Axis, amount
from components.models.subject import Columns


@dataclass(frozen=True)
class Column:
    """A column that a surrogate sees.

    Attributes
    ----------
    axis : Axis
    kind : {"number", "category", "missing"}
    value : float
        The category that is 1; or what stands for a missing number: the median.
    """

    axis: Axis
    kind: Literal["number", "category", "missing"]
    value: float

    def of(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the column [n] of rows with these coordinates on the axis."""
        if self.kind == "number":
            return np.where(np.isfinite(coordinates), coordinates, self.value)
        if self.kind == "missing":
            return np.asarray((~np.isfinite(coordinates)).astype(np.float64))
        return np.asarray((coordinates == self.value).astype(np.float64))

    def condition(self, threshold: float, *, above: bool) -> str:
        """Return in words that the column is above a threshold, or not."""
        name = self.axis.name
        if self.kind == "number":
            return f"{name} {'>' if above else '≤'} {amount(threshold)}"
        if self.kind == "missing":
            return f"{name} is {'' if above else 'not '}missing"
        return f"{name} {'=' if above else '≠'} {self.axis.label(self.value)}"

    @property
    def term(self) -> str:
        """What a linear term is of, in words."""
        return self.axis.name if self.kind == "number" else self.condition(0.5, above=True)


def columns_of(axes: Iterable[Axis], categories: int) -> list[Column]:
    """Return the columns that surrogates see of features; those of one value have none."""
    found = []
    for axis in axes:
        if axis.constant:
            continue
        if axis.numeric:
            if len(axis.distinct) > 1:
                found.append(Column(axis, "number", float(np.median(axis.known))))
            if axis.lacking:
                found.append(Column(axis, "missing", 0.0))
            continue
        # Of two values, one tells the other.
        kinds = axis.distinct[:categories]
        kinds = kinds[:1] if len(axis.distinct) == 2 else kinds
        found += [Column(axis, "category", float(kind)) for kind in kinds]
    return found


def matrix(columns: list[Column], rows: Columns) -> np.ndarray:
    """Return the columns of rows side by side, [n, columns]."""
    coordinates = {column.axis.name: column.axis for column in columns}
    encoded = {name: axis.encode(rows) for name, axis in coordinates.items()}
    return np.stack([column.of(encoded[column.axis.name]) for column in columns], axis=1)
