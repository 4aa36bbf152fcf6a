"""Groups of rows: by the values of a column, and slices by those of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.remediator.config import SliceGap

Columns = Mapping[str, np.ndarray]


def texts(values: np.ndarray) -> np.ndarray:
    """Return the values of a column as text, "" where one is missing.

    Examples
    --------
    >>> texts(np.array([1.0, 2.5, np.nan])).tolist()
    ['1', '2.5', '']
    """
    if values.dtype == object:
        return values
    distinct, places = np.unique(values, return_inverse=True)
    told = np.array(["" if np.isnan(value) else f"{value:.15g}" for value in distinct], object)
    return np.asarray(told[places])


def slices(check: SliceGap, columns: Columns) -> dict[str, np.ndarray]:
    """Return which rows [n] are in each slice of a check, by its name.

    A row without a value in one of the columns is in none; a slice of fewer rows than the
    check asks for is left out.
    """
    if check.slice is not None:
        name = ", ".join(f"{column}={value}" for column, value in check.slice.items())
        inside = np.logical_and.reduce(
            [texts(columns[column]) == _text(value) for column, value in check.slice.items()]
        )
        found = {name: inside}
    else:
        found = _crossings(check.columns, columns)
    return {name: rows for name, rows in found.items() if rows.sum() >= check.min_rows}


def _crossings(names: Sequence[str], columns: Columns) -> dict[str, np.ndarray]:
    values = [texts(columns[name]) for name in names]
    present = np.logical_and.reduce([column != "" for column in values])
    codes = np.stack([np.unique(column.astype(str), return_inverse=True)[1] for column in values])
    _, first, places = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    places = places.reshape(-1)
    return {
        ", ".join(f"{n}={column[row]}" for n, column in zip(names, values, strict=True)): (
            places == number
        )
        for number, row in enumerate(first)
        if present[row]
    }


def _text(value: str | int | float) -> str:
    return value if isinstance(value, str) else f"{float(value):.15g}"
