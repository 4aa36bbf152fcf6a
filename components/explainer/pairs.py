"""Pairs of features that a user names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.errors import InputError
from components.naming import nearest


def check(pairs: Iterable[tuple[str, str]], known: Sequence[str], setting: str) -> None:
    """Check that pairs are of two features that exist.

    Parameters
    ----------
    pairs : iterable of (str, str)
    known : sequence of str
        Features.
    setting : str
        Dotted key of the config that names them.

    Raises
    ------
    InputError
        One does not exist, or is paired with itself.
    """
    for pair in pairs:
        for name in pair:
            if name not in known:
                raise InputError(
                    f"There is no feature {name!r}{nearest(name, list(known))}.",
                    setting=setting,
                    expected="pairs of " + ", ".join(known),
                    got=name,
                )
        if pair[0] == pair[1]:
            raise InputError(
                "A feature cannot be paired with itself.",
                setting=setting,
                expected="two features",
                got=" and ".join(pair),
            )
