"""What an attack may change of a row of raw columns, and whether it has kept to that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

#: One array [n] a column: float64 where NaN is a missing value, or text where "" is one.
Columns = dict[str, np.ndarray]

#: By which a change may pass its budget, as a share of the number: rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Rules:
    """What is true of every row that an attack makes, besides the types and known values.

    Attributes
    ----------
    immutable : frozenset of str
        Columns that are never changed.
    one_hot : tuple of tuple of str
        Groups of columns of 0 and 1 of which exactly one is 1. They change together: as one
        column.
    directions : mapping of str to {1, -1}
        Numeric columns that only rise, or only fall.
    """

    immutable: frozenset[str] = frozenset()
    one_hot: tuple[tuple[str, ...], ...] = ()
    directions: Mapping[str, int] = field(default_factory=dict)


def spread(values: np.ndarray) -> float:
    """Return the interquartile range of numbers; where it is 0, their standard deviation.

    Parameters
    ----------
    values : ndarray, shape [n]
        NaN is left out.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    low, high = np.percentile(known, [25, 75])
    return float(high - low) or float(known.std())


def is_text(values: np.ndarray) -> bool:
    """Return whether a column is one of texts."""
    return values.dtype.kind in "OUS"


def missing(values: np.ndarray) -> np.ndarray:
    """Return which values of a column are missing."""
    return np.asarray(values == "" if is_text(values) else ~np.isfinite(values))


def distinct(values: np.ndarray) -> np.ndarray:
    """Return the values of a column that are not missing, each once, in order."""
    return np.unique(values[~missing(values)])


def violations(
    before: Columns,
    after: Columns,
    observed: Columns,
    rules: Rules,
    *,
    eps: float,
    max_columns: int,
) -> list[str]:
    """Return what an attack did that it may not, one sentence each.

    Parameters
    ----------
    before, after : dict of str to ndarray, shape [n]
        Rows before and after the attack.
    observed : dict of str to ndarray
        Rows whose values and ranges are the known ones.
    rules : Rules
    eps : float
        Largest change of a number, in spreads of its column.
    max_columns : int
        Columns of a row that may differ; a group counts once.
    """
    found = [f"{name} appeared or vanished" for name in before.keys() ^ after.keys()]
    grouped = {name for group in rules.one_hot for name in group}
    differs = {name: _differs(before[name], after[name]) for name in before}
    for name in before:
        found += _of_column(name, before[name], after[name], observed[name], rules)
        two_valued = len(distinct(observed[name])) <= 2
        if is_text(before[name]) or two_valued or name in grouped:
            continue
        change = np.abs(after[name] - before[name])
        bound = eps * spread(observed[name]) + ROUNDING * np.abs(before[name])
        if (change > bound).any():
            found.append(f"{name} changed by more than {eps:g} spreads")
    units = [differs[name] for name in before if name not in grouped]
    for group in rules.one_hot:
        units.append(np.any([differs[name] for name in group], axis=0))
        ones = [sum(rows[name] == 1 for name in group) for rows in (before, after)]
        if ((ones[0] == 1) & (ones[1] != 1)).any():
            found.append(f"not exactly one of {', '.join(group)} is 1")
    if units and (np.sum(units, axis=0) > max_columns).any():
        found.append(f"more than {max_columns} columns of a row changed")
    return found


def _differs(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    both_missing = missing(before) & missing(after)
    return np.asarray((before != after) & ~both_missing)


def _of_column(
    name: str, before: np.ndarray, after: np.ndarray, observed: np.ndarray, rules: Rules
) -> Iterable[str]:
    if before.dtype != after.dtype:
        yield f"{name} changed its type"
    if (missing(before) != missing(after)).any():
        yield f"{name} has other missing values"
    if name in rules.immutable and _differs(before, after).any():
        yield f"{name} is immutable and changed"
    known, values = distinct(observed), after[~missing(after)]
    if is_text(before):
        if not np.isin(values, known).all():
            yield f"{name} has an unknown value"
        return
    if len(values) and (values.min() < known.min() or values.max() > known.max()):
        yield f"{name} left its range"
    if (known == np.round(known)).all() and (values != np.round(values)).any():
        yield f"{name} is no whole number any more"
    moved = (after - before)[~missing(before)] * rules.directions.get(name, 0)
    if (moved < 0).any():
        yield f"{name} went in the wrong direction"
