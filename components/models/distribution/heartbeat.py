"""How far a training has come: counted where it gets on, read by whoever watches over it."""

from __future__ import annotations

_beats = 0


def beat() -> None:
    """Say that the training has got on."""
    global _beats
    _beats += 1


def beats() -> int:
    """Return how often it has got on since the process began."""
    return _beats
