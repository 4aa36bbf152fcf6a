"""Columns as they are compared: one form for each kind of feature."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.errors import InputError
from components.models.rows import Columns as Columns  # for those who compare them

Kind = Literal["numeric", "categorical"]


def clean(columns: Columns, what: str) -> tuple[dict[str, NDArray[Any]], int]:
    """Return columns of float64 or of text alone, and the number of rows.

    Infinite numbers count as missing, as None does.

    Raises
    ------
    InputError
        There is no row or no column, or the columns are not of one length.
    """
    cleaned = {name: _clean(name, np.asarray(values)) for name, values in columns.items()}
    if not cleaned:
        raise InputError(f"The {what} has no columns.", expected="at least one column")
    lengths = {name: len(values) for name, values in cleaned.items()}
    rows = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != rows:
            raise InputError(
                f"The columns of the {what} are not of one length.",
                column=name,
                expected=f"{rows} rows",
                got=length,
            )
    if not rows:
        raise InputError(f"The {what} has no rows.", expected="at least one row", got=0)
    return cleaned, rows


def kind_of(values: NDArray[Any]) -> Kind:
    """Return the kind of a cleaned column."""
    return "categorical" if values.dtype == object else "numeric"


def as_kind(name: str, values: NDArray[Any], kind: Kind) -> NDArray[Any]:
    """Return a cleaned column as one of the kind, which only one without a value may not be.

    Raises
    ------
    InputError
        It is of the other kind.
    """
    if kind_of(values) == kind:
        return values
    if kind == "numeric" and not any(values.tolist()):
        return np.full(len(values), np.nan)
    if kind == "categorical" and np.isnan(values).all():
        return np.full(len(values), "", object)
    raise InputError(
        "A column is not of the kind that it is in the reference.",
        column=name,
        expected=kind,
        got=kind_of(values),
        remedy="Give the column as in training, or leave it out of the comparison.",
    )


def _clean(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim != 1:
        raise InputError(
            "A column has not one value a row.",
            column=name,
            expected="an array of one dimension",
            got=f"shape {list(values.shape)}",
        )
    if values.dtype.kind in "bif" or values.dtype.kind == "u":
        numbers = values.astype(np.float64)
        return np.where(np.isfinite(numbers), numbers, np.nan)
    if values.dtype.kind in "OU":
        text = np.empty(len(values), object)
        text[:] = [
            v if isinstance(v, str) else "" if v is None or v != v else str(v)
            for v in values.tolist()
        ]
        return text
    raise InputError(
        "A column holds neither numbers nor text.",
        column=name,
        expected="numbers or text",
        got=str(values.dtype),
    )
