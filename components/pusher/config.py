"""Settings of Pusher."""

from __future__ import annotations

from typing import ClassVar

from components.settings import Settings


class PusherConfig(Settings):
    """Where a blessed model goes.

    Attributes
    ----------
    directory : str or None
        Directory that a model server watches; versions are numbered directories
        below it. None is `serving` below the pipeline's root.
    """

    USES: ClassVar[tuple[str, ...]] = ("models/served.py",)

    directory: str | None = None
