"""Suggestions for names that a person may have misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``"; nearest: X"`` for the valid name most like `name`, or ``""``.

    Examples
    --------
    >>> nearest("traner", ["Trainer", "Tuner"])
    '; nearest: Trainer'
    >>> nearest("zzz", ["Trainer"])
    ''
    """
    by_lower = {item.lower(): item for item in valid}
    matches = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.5)
    return f"; nearest: {by_lower[matches[0]]}" if matches else ""
