"""What residuals are held against: the prediction, the time, a column, with groups of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from components.model_debugger.residuals import groups as grouping

#: Parts of about equal size into which numbers are cut, and categories that are told apart.
PARTS, CATEGORIES = 10, 20
MISSING, OTHERS = "missing", "all others"

Kind = Literal["prediction", "time", "column"]


@dataclass(frozen=True)
class Against:
    """Values of all rows, and groups of rows that are alike in them.

    Attributes
    ----------
    kind : {"prediction", "time", "column"}
    name : str
        Of the column; otherwise the kind.
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
    show = _date if kind == "time" else _number
    spans = [
        MISSING if u else _span(show(p.min()), show(p.max()))
        for u, p in zip(unknown, found, strict=True)
    ]
    return Against(kind, name, values, groups, tuple(spans), tuple(middles))


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e12:
        return f"{value:.0f}"
    return f"{value:.6g}"


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return _number(seconds)
