"""Features as coordinates: one number for whatever is changed at once, and back to raw columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.attacks.constraints import is_text, missing
from components.explainer.problem import Problem
from components.models.subject import Columns
from components.page import number

#: Rows about which the model is asked at once: what bounds the memory.
CHUNK = 50_000
#: Coordinate of a category that the background does not hold.
UNSEEN = -1.0
#: From here on a whole number is not told in full.
WHOLE = 1e15
#: Name of a value that is missing.
MISSING = "(missing)"


@dataclass(frozen=True)
class Axis:
    """A feature as one coordinate.

    That of a numeric column is its number, NaN if missing. That of a text column, or of several
    columns that are one feature, is the place of its value among those of the background, the
    most frequent first.

    Attributes
    ----------
    name : str
    columns : tuple of str
    known : ndarray of float64, shape [n]
        Coordinates of the background's rows that are not missing, rising.
    table : dict of str to ndarray
        Of categories: their values in each column, by place. Empty for numbers.
    lacking : bool
        Whether a numeric column has missing values.
    """

    name: str
    columns: tuple[str, ...]
    known: np.ndarray
    table: Columns
    lacking: bool

    @property
    def numeric(self) -> bool:
        """Whether the coordinate is the number itself."""
        return not self.table

    @cached_property
    def distinct(self) -> np.ndarray:
        """Each known coordinate once, rising."""
        return np.unique(self.known)

    @property
    def constant(self) -> bool:
        """Whether the background holds a single value."""
        return len(self.distinct) + self.lacking <= 1

    def encode(self, columns: Columns) -> np.ndarray:
        """Return the coordinates [n] of rows; `UNSEEN` for a category that is not known."""
        if self.numeric:
            return np.asarray(columns[self.name], np.float64)
        keys = _joint([columns[name] for name in self.columns])
        own = _joint([self.table[name] for name in self.columns])
        order = np.argsort(own, kind="stable")
        place = order[np.searchsorted(own, keys, sorter=order).clip(max=len(own) - 1)]
        return np.where(own[place] == keys, place.astype(np.float64), UNSEEN)

    def decode(self, coordinates: np.ndarray) -> Columns:
        """Return the raw columns of coordinates [n], none of them `UNSEEN`."""
        if self.numeric:
            return {self.columns[0]: np.asarray(coordinates, np.float64)}
        places = np.asarray(coordinates).astype(np.int64)
        return {name: values[places] for name, values in self.table.items()}

    def grid(self, points: int) -> np.ndarray:
        """Return at most so many coordinates: quantiles of the numbers, or frequent categories.

        Quantiles are values that are observed, the least and the greatest among them.
        """
        if len(self.distinct) <= points or not self.numeric:
            return self.distinct[:points]
        return np.unique(np.quantile(self.known, np.linspace(0, 1, points), method="inverted_cdf"))

    def label(self, coordinate: float) -> str:
        """Return a value for people."""
        if self.numeric:
            return amount(coordinate)
        values = [self.table[name][int(coordinate)] for name in self.columns]
        if len(values) == 1:
            return _text(values[0])
        ones = [name for name, value in zip(self.columns, values, strict=True) if value == 1]
        if len(ones) == 1 and all(value in (0, 1) for value in values):
            return ones[0]
        parts = zip(self.columns, values, strict=True)
        return ", ".join(f"{name}={_text(value)}" for name, value in parts)

    def labels(self, coordinates: Sequence[float] | np.ndarray) -> list[str]:
        """Return values for people."""
        return [self.label(coordinate) for coordinate in coordinates]


def amount(value: float) -> str:
    """Return a number for people: whole ones in full, others in four significant digits."""
    if np.isnan(value):
        return MISSING
    if float(value).is_integer() and abs(value) < WHOLE:
        return f"{value:,.0f}"
    return number(float(value))


def of(problem: Problem) -> dict[str, Axis]:
    """Return the axes of a problem's features, with the values of its background."""
    columns = problem.background.columns
    return {name: axis(name, group, columns) for name, group in problem.groups.items()}


def axis(name: str, group: tuple[str, ...], columns: Columns) -> Axis:
    """Return the axis of one feature, with the values of `columns`."""
    values = columns[group[0]]
    if len(group) == 1 and not is_text(values):
        absent = missing(values)
        known = np.sort(np.asarray(values[~absent], np.float64))
        return Axis(name, group, known, {}, bool(absent.any()))
    keys = _joint([columns[each] for each in group])
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    table = {each: columns[each][first[order]] for each in group}
    known = np.repeat(np.arange(len(order), dtype=np.float64), counts[order])
    return Axis(name, group, known, table, False)


def in_order(columns: Columns) -> np.ndarray:
    """Return an order [n] of rows that depends on what they hold alone.

    What is drawn of rows in this order is the same in whatever order they come.
    """
    codes = [
        np.unique(_keys(values) if is_text(values) else values, return_inverse=True)[1]
        for values in columns.values()
    ]
    return np.lexsort(codes[::-1])


def sample(columns: Columns, rows: int, seed: int) -> np.ndarray:
    """Return the places of at most so many rows, drawn by the seed and by what they hold."""
    order = in_order(columns)
    if len(order) > rows:
        chosen = np.random.default_rng(seed).choice(len(order), rows, replace=False)
        order = order[np.sort(chosen)]
    return order


def taken(columns: Columns, rows: np.ndarray) -> Columns:
    """Return some rows."""
    return {name: values[rows] for name, values in columns.items()}


def replaced(columns: Columns, axis: Axis, coordinates: np.ndarray) -> Columns:
    """Return as many rows with other coordinates [n] on one axis."""
    return {**columns, **axis.decode(coordinates)}


def at(problem: Problem, columns: Columns, axes: Sequence[Axis], points: np.ndarray) -> np.ndarray:
    """Return what the model says of all rows at each of some points.

    Parameters
    ----------
    problem : Problem
    columns : dict of str to ndarray, shape [n]
    axes : sequence of Axis
        Those whose coordinate is put into every row.
    points : ndarray, shape [p, axes]

    Returns
    -------
    ndarray, shape [p, n, outputs]
    """
    rows = len(next(iter(columns.values())))
    block = max(1, CHUNK // max(rows, 1))
    parts = []
    for start in range(0, len(points), block):
        some = points[start : start + block]
        asked = {name: np.tile(values, len(some)) for name, values in columns.items()}
        for index, each in enumerate(axes):
            asked.update(each.decode(np.repeat(some[:, index], rows)))
        parts.append(values_of(problem, asked).reshape(len(some), rows, -1))
    return np.concatenate(parts)


def values_of(problem: Problem, columns: Columns) -> np.ndarray:
    """Return what the model says of any number of rows, asked in chunks, [n, outputs]."""
    rows = len(next(iter(columns.values())))
    return np.concatenate(
        [
            problem.values({name: values[i : i + CHUNK] for name, values in columns.items()})
            for i in range(0, max(rows, 1), CHUNK)
        ]
    )


def _joint(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return a text [n] for the values of several columns that is as different as they are."""
    keys = _keys(parts[0])
    for values in parts[1:]:
        keys = np.char.add(np.char.add(keys, "\x1f"), _keys(values))
    return keys


def _keys(values: np.ndarray) -> np.ndarray:
    return np.asarray(values if is_text(values) else np.asarray(values, np.float64)).astype(str)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value or MISSING
    return amount(float(value))  # type: ignore[arg-type]
