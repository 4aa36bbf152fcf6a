"""Single rows as people see them: raw columns, the prediction, and missing values."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from components.charts import plain
from components.models.metric_names import REGRESSION

if TYPE_CHECKING:
    from components.models.subject import Subject

#: Characters of a value that are shown.
LIMIT = 40


def columns(subject: Subject, row: int) -> dict[str, float | str | None]:
    """Return the raw columns of a row as JSON; None is a missing value."""
    return {name: _value(values[row]) for name, values in subject.columns.items()}


def prediction(subject: Subject, row: int) -> float | str:
    """Return what is predicted: the most probable class, or the value."""
    scores = subject.scores[row]
    if subject.task == REGRESSION:
        return float(scores[0])
    return subject.classes[int(scores.argmax())]


def cell(value: float | str | None, *, time: bool = False) -> str:
    """Return a value of `columns` for people.

    Parameters
    ----------
    value : float or str or None
    time : bool
        Whether numbers are seconds since 1970.

    Examples
    --------
    >>> cell(None), cell(3.0), cell(0.1 + 0.2), cell("Cash"), cell(1388534400.0, time=True)
    ('missing', '3', '0.3', 'Cash', '2014-01-01')
    """
    if value is None:
        return "missing"
    if time and isinstance(value, float):
        return day(value)
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    return plain(value, LIMIT)


def day(seconds: float) -> str:
    """Return a time in seconds since 1970 as a date, of UTC; a number beyond the calendar.

    Examples
    --------
    >>> day(1388534400.0), day(1e18)
    ('2014-01-01', '1e+18')
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return cell(seconds)


def time_column(subject: Subject) -> str | None:
    """Return the column that is the time of the rows, if the model takes it."""
    if subject.time is None:
        return None
    for name, values in subject.columns.items():
        if values.dtype != object and np.array_equal(values, subject.time, equal_nan=True):
            return name
    return None


def _value(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value or None
    return float(value) if math.isfinite(value) else None
