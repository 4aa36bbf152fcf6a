"""Two runs side by side."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from components.errors import InputError
from components.page import framed
from pipeline.report import comparison
from pipeline.ui.context import Context
from pipeline.ui.rendering import render


def compare(request: Request) -> Response:
    """Show what differs between two runs."""
    context = Context.of(request)
    chosen = request.query_params.getlist("run")
    if len(chosen) != 2:
        raise InputError(
            "Two runs are compared.",
            expected="two runs, chosen by their boxes in the list of runs",
            got=f"{len(chosen)} run(s)",
        )
    with context.reading() as store:
        found = store.compare(*sorted(chosen))
        parts = comparison.parts(store, found, context.root)
    shown = [(anchor, heading, Markup(framed([markup]))) for anchor, heading, markup in parts]
    return render(request, "compare.html", {"found": found, "sections": shown})


ROUTES: list[BaseRoute] = [Route("/compare", compare)]
