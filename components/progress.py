"""Progress of long work inside a node: algorithms report it, whoever runs them listens."""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[float, str], None]

_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Send later reports to `listener` (fraction done in [0, 1], what is being done)."""
    global _listener
    _listener = listener


def report(fraction: float, text: str) -> None:
    """Report that `fraction` of the node's work is done; without a listener, nothing."""
    if _listener is not None:
        _listener(min(max(fraction, 0.0), 1.0), text)
