"""The pages: each module has the routes of one part of the app."""

from __future__ import annotations

from starlette.routing import BaseRoute

from pipeline.ui.pages import artifacts, compare, findings, lineage, models, run, runs

_PARTS = (runs, run, artifacts, lineage, models, findings, compare)


def routes() -> list[BaseRoute]:
    """Return the routes of all pages."""
    return [route for part in _PARTS for route in part.ROUTES]
