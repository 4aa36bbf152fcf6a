"""Rows of raw columns as points: one coordinate for whatever changes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from components.attacks.constraints import Columns, Rules, distinct, is_text, missing, spread
from components.errors import InputError

#: Sizes of a number's change that are tried, as shares of the budget.
LEVELS = np.array([-1.0, -0.5, 0.5, 1.0])
#: A column of two numbers is a flag: it has no values between.
FLAG = 2


@dataclass(frozen=True)
class Variable:
    """A column, or columns of which one is 1.

    Attributes
    ----------
    name : str
    columns : tuple of str
    kind : {"number", "integer", "category", "one_hot"}
    low, high, spread : float
        Of numbers, over the observed rows.
    values : ndarray
        Of categories, the most frequent first; of a group its columns. A coordinate is the
        place in it.
    choices : int
        How many of them are tried.
    direction : {-1, 0, 1}
    """

    name: str
    columns: tuple[str, ...]
    kind: Literal["number", "integer", "category", "one_hot"]
    low: float = 0.0
    high: float = 0.0
    spread: float = 1.0
    values: np.ndarray | None = None
    choices: int = 0
    direction: int = 0

    @property
    def numeric(self) -> bool:
        """Whether the coordinate is the number itself."""
        return self.values is None

    def encode(self, columns: Columns) -> np.ndarray:
        """Return the coordinate [n] of some rows: NaN where it must stay as it is."""
        if self.kind == "one_hot":
            ones = np.column_stack([columns[name] == 1 for name in self.columns])
            return np.where(ones.sum(axis=1) == 1, ones.argmax(axis=1), np.nan)
        values = columns[self.name]
        if self.values is None:
            return np.where(missing(values), np.nan, values)
        order = np.argsort(self.values)
        place = np.searchsorted(self.values, values, sorter=order).clip(max=len(order) - 1)
        codes = order[place]
        return np.where(self.values[codes] == values, codes, np.nan)

    def write(self, coordinate: np.ndarray, columns: Columns) -> None:
        """Put coordinates [n] into the columns of as many rows, in place."""
        known = ~np.isnan(coordinate)
        if self.values is None:
            columns[self.name] = np.where(known, coordinate, columns[self.name])
            return
        codes = coordinate[known].astype(np.int64)
        for index, name in enumerate(self.columns):
            written = columns[name].copy()
            written[known] = codes == index if self.kind == "one_hot" else self.values[codes]
            columns[name] = written

    def proposals(self, original: np.ndarray, eps: float) -> np.ndarray:
        """Return coordinates [n, c] to try instead of the original ones; NaN for none."""
        if self.values is None:
            signs = LEVELS if not self.direction else LEVELS[LEVELS * self.direction > 0]
            return self._moved(original[:, None], eps * self.spread * signs)
        tried = np.broadcast_to(np.arange(self.choices, dtype=float), (len(original), self.choices))
        return np.where(self._allowed(original[:, None], tried), tried, np.nan)

    def random(self, original: np.ndarray, eps: float, random: np.random.Generator) -> np.ndarray:
        """Return a random coordinate [n] for each original one; NaN for none."""
        if self.values is None:
            low, high = (-1.0, 1.0) if not self.direction else sorted((0.0, self.direction))
            return self._moved(
                original, eps * self.spread * random.uniform(low, high, len(original))
            )
        # One of the others: of those that are tried, without the original where it is among them.
        among = original < self.choices
        drawn = np.floor(random.random(len(original)) * (self.choices - among))
        drawn += among & (drawn >= original)
        return np.where((drawn < self.choices) & self._allowed(original, drawn), drawn, np.nan)

    def towards(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """Return the middle [n] of two numbers, for integers that nearer to the first."""
        middle = near + (far - near) / 2
        return np.asarray(near + np.trunc(middle - near) if self.kind == "integer" else middle)

    def _moved(self, original: np.ndarray, change: np.ndarray) -> np.ndarray:
        change = np.clip(original + change, self.low, self.high) - original
        if self.kind == "integer":
            # Rounding, not budget, keeps 0.3 * 10 from being 3.
            change = np.trunc(change + np.sign(change) * 1e-9)
        moved = original + change
        return np.where(moved == original, np.nan, moved)

    def _allowed(self, original: np.ndarray, tried: np.ndarray) -> np.ndarray:
        allowed = (tried != original) & ~np.isnan(original)
        if self.direction and self.values is not None:
            known = np.nan_to_num(original).astype(np.int64)
            tried_values = self.values[tried.astype(np.int64).clip(max=len(self.values) - 1)]
            difference = tried_values - self.values[known]
            allowed &= difference * self.direction > 0
        return np.asarray(allowed)


@dataclass(frozen=True)
class Space:
    """The coordinates of rows.

    Attributes
    ----------
    variables : tuple of Variable
        Those that can change.
    fixed : tuple of str
        Columns that cannot: immutable, or with a single value.
    """

    variables: tuple[Variable, ...]
    fixed: tuple[str, ...]

    @classmethod
    def of(cls, observed: Columns, rules: Rules, choices: int) -> Space:
        """Return the space of some columns.

        Parameters
        ----------
        observed : dict of str to ndarray
            Rows whose values and ranges are the known ones.
        rules : Rules
        choices : int
            Values of a text column that are tried, the most frequent.

        Raises
        ------
        InputError
            A rule does not suit its columns.
        """
        grouped = {name for group in rules.one_hot for name in group}
        for name in rules.directions:
            if name in grouped or is_text(observed[name]):
                raise InputError(
                    "Only a number can rise or fall.",
                    setting="debugger.adversarial.tables.directions",
                    column=name,
                    expected="a numeric column outside one_hot",
                    got="a group" if name in grouped else "a column of texts",
                )
        made = [_group(group, observed) for group in rules.one_hot]
        made += [
            _column(name, values, rules.directions.get(name, 0), choices)
            for name, values in observed.items()
            if name not in grouped
        ]
        variables = tuple(
            variable
            for variable in made
            if variable is not None and not rules.immutable.intersection(variable.columns)
        )
        free = {name for variable in variables for name in variable.columns}
        return cls(variables, tuple(name for name in observed if name not in free))

    def encode(self, columns: Columns) -> np.ndarray:
        """Return the points [n, v] of rows."""
        rows = len(next(iter(columns.values())))
        points = [variable.encode(columns) for variable in self.variables]
        return np.column_stack(points) if points else np.empty((rows, 0))

    def decode(self, points: np.ndarray, columns: Columns) -> Columns:
        """Return the rows of points [n, v]; `columns` are as many rows with all the rest."""
        result = dict(columns)
        for variable, coordinate in zip(self.variables, points.T, strict=True):
            variable.write(coordinate, result)
        return result

    def differs(self, original: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return which coordinates [n, v] of points are changed."""
        return np.asarray((points != original) & ~np.isnan(original))

    def distances(self, original: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return how far [n] points are from the original ones.

        It is the sum over the numbers of their change in spreads, and 1 for each category
        that was exchanged.
        """
        differs = self.differs(original, points)
        cost = [
            np.abs(points[:, i] - original[:, i]) / v.spread if v.numeric else differs[:, i]
            for i, v in enumerate(self.variables)
        ]
        return np.nansum(cost, axis=0) if cost else np.zeros(len(points))


def _group(group: Sequence[str], observed: Columns) -> Variable | None:
    for name in group:
        values = observed[name]
        if is_text(values) or not np.isin(distinct(values), (0.0, 1.0)).all():
            raise InputError(
                "A group of one_hot holds numbers 0 and 1 only.",
                setting="debugger.adversarial.tables.one_hot",
                column=name,
                expected="0 and 1",
                got=", ".join(map(str, distinct(values)[:3])),
                remedy="Leave the column out: other categories need no group.",
            )
    return Variable(
        "/".join(group), tuple(group), "one_hot", values=np.array(group), choices=len(group)
    )


def _column(name: str, values: np.ndarray, direction: int, choices: int) -> Variable | None:
    known = values[~missing(values)]
    different, counts = np.unique(known, return_counts=True)
    if len(different) <= 1:
        return None
    if is_text(values) or len(different) == FLAG:
        frequent = different[np.argsort(-counts, kind="stable")]
        return Variable(
            name,
            (name,),
            "category",
            values=frequent,
            choices=min(choices, len(frequent)),
            direction=direction,
        )
    whole = bool((different == np.round(different)).all())
    return Variable(
        name,
        (name,),
        "integer" if whole else "number",
        low=float(different[0]),
        high=float(different[-1]),
        spread=spread(known),
        direction=direction,
    )
