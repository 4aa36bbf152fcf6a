"""Artifacts: the list, and one with what its component drew of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pipeline.report.sections import section_of
from pipeline.ui.context import Context
from pipeline.ui.numbers import whole
from pipeline.ui.rendering import render

#: Artifacts on one page.
PAGE = 100
_MOST_PAGES = 100_000


def artifacts(request: Request) -> Response:
    """List artifacts, the newest first."""
    context = Context.of(request)
    given = {name: request.query_params.get(name, "").strip() for name in ("type", "node", "run")}
    page = whole(request.query_params, "page", usual=1, least=1, most=_MOST_PAGES)
    with context.reading() as store:
        found = store.artifacts(
            type=given["type"] or None,
            node=given["node"] or None,
            run=given["run"] or None,
            limit=page * PAGE + 1,
        )
        types, nodes = store.types(), store.nodes()

    def address(**changes: Any) -> str:
        kept = {k: v for k, v in {**given, **changes}.items() if v}
        return "/artifacts?" + urlencode(kept)

    return render(
        request,
        "artifacts.html",
        {
            "artifacts": found[(page - 1) * PAGE : page * PAGE],
            "given": given,
            "types": types,
            "nodes": nodes,
            "first": (page - 1) * PAGE,
            "before": address(page=page - 1) if page > 1 else None,
            "after": address(page=page + 1) if len(found) > page * PAGE else None,
        },
    )


def artifact(request: Request) -> Response:
    """Show one artifact."""
    context = Context.of(request)
    with context.reading() as store:
        found = store.artifact(request.path_params["artifact"])
    card = section_of(found, context.root)
    values = {"artifact": found, "card": None if card is None else Markup(card)}
    return render(request, "artifact.html", values)


ROUTES: list[BaseRoute] = [
    Route("/artifacts", artifacts),
    Route("/artifacts/{artifact:id}", artifact),
]
