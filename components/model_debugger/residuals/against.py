"""What residuals are held against: the prediction, the time, a column, with groups of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from components.model_debugger.raw_rows import day
from components.model_debugger.residuals import groups as grouping

#: Parts of about equal size into which numbers are cut, and categories that are told apart.
PARTS, CATEGORIES = 10, 20
MISSING, OTHERS = "missing", "all others"
#: Digits of a number, the fewest that tell the ends of all groups apart.
DIGITS = (3, 4, 5, 6, 9, 12)

Kind = Literal["prediction", "time", "column"]


@dataclass(frozen=True)
class Against:
    """Values of all rows, and groups of rows that are alike in them.

    Attributes
    ----------
    kind : {"prediction", "time", "column"}
    name : str
        Of the column, if it is one; otherwise the kind.
    values : ndarray, shape [n]
        Float64 with NaN for missing values, or text.
    groups : ndarray, shape [n]
        Index of the group; -1 for rows of too small a group.
    names : tuple of str
        Of each group.
    middles : tuple of float or None
        Median of each group's numbers; None for missing values and categories.
    """

    kind: Kind
    name: str
    values: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...]
    middles: tuple[float | None, ...]

    @property
    def numeric(self) -> bool:
        """Whether the values have an order."""
        return self.values.dtype != object


def of(kind: Kind, name: str, values: np.ndarray) -> Against:
    """Return what residuals are held against.

    Parameters
    ----------
    kind : {"prediction", "time", "column"}
    name : str
    values : ndarray, shape [n]
        Numbers, of a time in seconds since 1970; or text, where "" is a missing value.
    """
    if values.dtype == object:
        groups, texts = grouping.of_text(values, CATEGORIES)
        names = tuple(OTHERS if text is None else text or MISSING for text in texts)
        return Against(kind, name, values, groups, names, (None,) * len(names))
    values = values.astype(np.float64)
    parts = grouping.of_numbers(values, PARTS)
    missing = np.isnan(values)
    groups, kept = grouping.large(np.where(missing, parts.max(initial=-1) + 1, parts))
    found = [values[groups == index] for index in range(len(kept))]
    unknown = [bool(np.isnan(part[0])) for part in found]
    middles = [None if u else float(np.median(p)) for u, p in zip(unknown, found, strict=True)]
    ends = np.array([[part.min(), part.max()] for part in found]).reshape(-1, 2)
    shown = _dates(ends) if kind == "time" else _numbers(ends)
    spans = [
        MISSING if u else low if low == high else f"{low} to {high}"
        for u, (low, high) in zip(unknown, shown, strict=True)
    ]
    return Against(kind, name, values, groups, tuple(spans), tuple(middles))


def _numbers(ends: np.ndarray) -> list[list[str]]:
    """Return numbers as texts, with as few digits as tell them apart."""
    distinct = len(np.unique(ends[~np.isnan(ends)]))
    for digits in DIGITS:
        texts = [[_number(value, digits) for value in pair] for pair in ends]
        if len({text for pair in texts for text in pair} - {"nan"}) == distinct:
            break
    return texts


def _number(value: float, digits: int) -> str:
    if np.isfinite(value) and float(value).is_integer() and abs(value) < 1e12:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def _dates(ends: np.ndarray) -> list[list[str]]:
    return [["nan" if np.isnan(value) else day(value) for value in pair] for pair in ends]
