"""What every page of the app can reach."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import HTTPConnection

from pipeline.store import Store


@dataclass
class Context:
    """The store and the pipeline that the app shows, and what it may do.

    Attributes
    ----------
    store : Store
        Use it within `reading`.
    root : Path
        The pipeline's root. No file outside of it is read.
    command : tuple of str
        The words that start this program, for what the app starts or tells to type.
    place : tuple of str
        The options by which its verbs that run something find the pipeline.
    look : tuple of str
        The options by which its read verbs do.
    allow_run : bool
        Whether pages may rerun and resume.
    token : str
        Sent with every action, so that no page of another site can take one.
    """

    store: Store
    root: Path
    command: tuple[str, ...] = ("modelworks",)
    place: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    allow_run: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @staticmethod
    def of(request: HTTPConnection) -> Context:
        """Return the context of the app that got `request`."""
        context: Context = request.app.state.context
        return context

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store]:
        """Hold the store: ML Metadata's connection is one thread's at a time."""
        with self._lock:
            yield self.store
