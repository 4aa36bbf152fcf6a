"""How pages write times, durations, sizes and figures."""

from __future__ import annotations

import datetime
import json
from typing import Any

from components.page import number

#: What is written where a value is not known.
UNKNOWN = "–"


def moment(seconds: float | None) -> str:
    """Return a time of this machine's zone.

    Parameters
    ----------
    seconds : float or None
        Since the epoch.
    """
    if seconds is None:
        return UNKNOWN
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float | None) -> str:
    """Return a time for ``<time datetime>``."""
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def duration(seconds: float | None) -> str:
    """Return a duration in at most two units.

    Examples
    --------
    >>> duration(0.42), duration(75), duration(7265)
    ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds is None:
        return UNKNOWN
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(amount: int | None) -> str:
    """Return a number of bytes in decimal units.

    Examples
    --------
    >>> size(950), size(12_300), size(4_560_000_000)
    ('950 B', '12.3 kB', '4.6 GB')
    """
    if amount is None:
        return UNKNOWN
    scaled = float(amount)
    for unit in ("B", "kB", "MB"):
        if scaled < 1000:
            return f"{scaled:.0f} {unit}" if unit == "B" else f"{scaled:.1f} {unit}"
        scaled /= 1000
    return f"{scaled:.1f} GB"


def value(given: Any) -> str:
    """Return a setting or property as text; what holds others as JSON."""
    if given is None:
        return UNKNOWN
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, float):
        return figure(given)
    if isinstance(given, dict | list | tuple):
        return json.dumps(given, ensure_ascii=False)
    return str(given)


def figure(given: float | None) -> str:
    """Return a measured number."""
    return UNKNOWN if given is None else number(given)


def words(name: str) -> str:
    """Return a state as people write it."""
    return name.lower().replace("_", " ")


FILTERS = {
    "moment": moment,
    "iso": iso,
    "duration": duration,
    "size": size,
    "value": value,
    "figure": figure,
    "words": words,
}
