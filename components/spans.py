"""What those who read later data and those who watch them agree on. Imports nothing."""

from __future__ import annotations

#: Beginning of the name of a split of later data.
PREFIX = "span-"
#: Features of a stored row: what tells it from others, and when it was, if that is no feature of
#: the model.
KEY, TIME = "__key__", "__time__"
#: In SpanGen's output: keys and labels that came later than their rows.
LATE_LABELS_FILE = "late_labels.parquet"


def is_span(split: str) -> bool:
    """Whether a split is a later span of data, there to be monitored."""
    return split.startswith(PREFIX)


def shown(name: str) -> str:
    """Return what people call a span.

    Examples
    --------
    >>> shown("span-2016-Q1")
    '2016-Q1'
    """
    return name.removeprefix(PREFIX)
