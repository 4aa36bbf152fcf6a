"""What a kind of artifact shows over time: histories of the monitor, and searches."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from components.errors import InputError
from pipeline.report.sections import section_of
from pipeline.ui.context import Context
from pipeline.ui.rendering import render

#: Artifacts to choose from.
_MOST = 100


def _page(title: str, kind: str, address: str, missing: str) -> Callable[[Request], Response]:
    """Return an endpoint that shows the newest artifact of a type, or a chosen one."""

    def endpoint(request: Request) -> Response:
        context = Context.of(request)
        with context.reading() as store:
            found = store.artifacts(type=kind, limit=_MOST) if kind in store.types() else []
        chosen = found[0] if found else None
        given = request.query_params.get("artifact", "")
        if given:
            chosen = next((each for each in found if str(each.id) == given), None)
            if chosen is None:
                raise InputError(
                    f"There is no {kind} {given}.",
                    expected=", ".join(str(each.id) for each in found[:10]) or "none yet",
                )
        card = None if chosen is None else section_of(chosen, context.root)
        return render(
            request,
            "findings.html",
            {
                "heading": title,
                "address": address,
                "found": found,
                "chosen": chosen,
                "missing": missing,
                "card": None if card is None else Markup(card),
            },
        )

    return endpoint


ROUTES: list[BaseRoute] = [
    Route(
        "/monitoring",
        _page(
            "Monitoring",
            "MonitoringHistory",
            "/monitoring",
            "Nothing was monitored yet. Give the config a section monitor, or use the command "
            "monitor FILE on later data.",
        ),
    ),
    Route(
        "/trials",
        _page(
            "Trials",
            "TunerResults",
            "/trials",
            "There was no search yet. Give the config a section tuner, such as tuner: {}.",
        ),
    ),
]
