"""Single rows as people see them: raw columns, the prediction, and missing values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

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


def cell(value: float | str | None) -> str:
    """Return a value of `columns` for people.

    Examples
    --------
    >>> cell(None), cell(3.0), cell(0.1 + 0.2), cell("Cash")
    ('missing', '3', '0.3', 'Cash')
    """
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    return plain(value, LIMIT)


def _value(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value or None
    return float(value) if math.isfinite(value) else None
