"""Columns that settings name, such as those to slice by."""

from __future__ import annotations

from collections.abc import Sequence

from components.errors import InputError
from components.naming import nearest


def check_columns(columns: Sequence[str], valid: Sequence[str], setting: str) -> None:
    """Raise InputError for a column, named in `setting`, that the data do not have."""
    for column in columns:
        if column not in valid:
            raise InputError(
                f"The data have no column {column!r}{nearest(column, valid)}.",
                column=column,
                setting=setting,
                expected=", ".join(valid),
            )
