"""Names: suggestions for misspelt ones, and distinct ones where characters are forbidden."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable


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


def distinct(names: Iterable[str], clean: Callable[[str], str]) -> dict[str, str]:
    """Return a distinct cleaned form of each name; later ones get a number.

    Examples
    --------
    >>> distinct(["a b", "a-b", "c"], lambda name: name.replace(" ", "_").replace("-", "_"))
    {'a b': 'a_b', 'a-b': 'a_b_2', 'c': 'c'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = candidate = clean(name)
        number = 1
        while candidate in taken:
            number += 1
            candidate = f"{stem}_{number}"
        taken.add(candidate)
        found[name] = candidate
    return found
