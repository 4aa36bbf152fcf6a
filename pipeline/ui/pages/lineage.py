"""Lineage as a graph: what an artifact was made from, or what was made from it."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from components.errors import InputError
from pipeline import diagram
from pipeline.diagram import Box
from pipeline.store import Lineage
from pipeline.ui.context import Context
from pipeline.ui.numbers import whole
from pipeline.ui.rendering import render

#: Executions away that are shown at first, and how many more at a time.
_DEPTH, _MORE = 4, 4
_DEEPEST = 99
#: Boxes of a graph that can still be read.
_MOST = 240


def lineage(request: Request) -> Response:
    """Show the lineage of an artifact."""
    context = Context.of(request)
    direction = request.query_params.get("direction", "up")
    if direction not in ("up", "down"):
        raise InputError("There is no such direction.", expected="up or down", got=direction)
    depth = whole(request.query_params, "depth", usual=_DEPTH, least=1, most=_DEEPEST)
    with context.reading() as store:
        found = store.lineage(request.path_params["artifact"], direction, depth)
        while depth > 1 and len(found.artifacts) + len(found.executions) > _MOST:
            depth -= 1
            found = store.lineage(request.path_params["artifact"], direction, depth)
        beyond = store.lineage(found.artifact.id, direction, depth + 1)
    values = {
        "artifact": found.artifact,
        "found": found,
        "direction": direction,
        "depth": depth,
        "more": depth + _MORE if len(beyond.executions) > len(found.executions) else None,
        "graph": Markup(_graph(found)),
    }
    return render(request, "lineage.html", values)


def _graph(found: Lineage) -> str:
    boxes = [
        Box(
            f"a{each.id}",
            each.type,
            f"artifact {each.id}",
            "" if each.state == "LIVE" else each.state.lower(),
            f"/artifacts/{each.id}",
            round=True,
        )
        for each in found.artifacts
    ]
    boxes += [
        Box(
            f"e{each.id}",
            each.node or each.type,
            each.run or "",
            each.state.lower(),
            f"/runs/{each.run}" if each.run else None,
        )
        for each in found.executions
    ]
    edges = [
        (f"a{event.artifact}", f"e{event.execution}")
        if event.kind == "input"
        else (f"e{event.execution}", f"a{event.artifact}")
        for event in found.events
    ]
    return diagram.draw(boxes, edges, title=f"Lineage of artifact {found.artifact.id}")


ROUTES: list[BaseRoute] = [Route("/lineage/{artifact:id}", lineage)]
