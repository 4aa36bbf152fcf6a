"""The pages: each module has the routes of one part of the app."""

from __future__ import annotations

from starlette.routing import BaseRoute

from pipeline.ui.pages import runs

_PARTS = (runs,)


def routes() -> list[BaseRoute]:
    """Return the routes of all pages."""
    return [route for part in _PARTS for route in part.ROUTES]
