"""The time that a section of the work may take, and how far it has come."""

from __future__ import annotations

import time

from components import progress


class Deadline:
    """A time budget of one section.

    Work asks for `passed` between its passes and leaves out the rest, which it then says.

    Parameters
    ----------
    seconds : float
        From now on.
    start, share : float
        Where the section begins on the node's line of progress, and its part of it.
    title : str
        What precedes the section's own reports.
    """

    def __init__(
        self, seconds: float, *, start: float = 0.0, share: float = 1.0, title: str = ""
    ) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._start, self._share, self._title = start, share, title

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def report(self, fraction: float, text: str) -> None:
        """Report that `fraction` of the section is done, and what is being done."""
        shown = f"{self._title}: {text}" if self._title else text
        progress.report(self._start + self._share * min(max(fraction, 0.0), 1.0), shown)
