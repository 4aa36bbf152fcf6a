"""The list of runs: filtered, sorted, in pages; two of them can be chosen to be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.store import Run
from pipeline.store.store import RUN_STATES
from pipeline.ui.context import Context
from pipeline.ui.numbers import whole
from pipeline.ui.rendering import render

#: Runs on one page.
PAGE = 50
_MOST_PAGES = 100_000
#: Metrics that have columns.
_METRICS = 3

_SORTS: dict[str, Callable[[Run], Any]] = {
    "started": lambda run: run.started,
    "state": lambda run: run.state,
    "seconds": lambda run: run.seconds,
    "pipeline": lambda run: run.pipeline,
}


def runs(request: Request) -> Response:
    """Show the runs."""
    context = Context.of(request)
    given = request.query_params
    state, text = given.get("state", ""), given.get("text", "").strip()
    with context.reading() as store:
        everything = store.runs()
    found = [
        run for run in everything if state in ("", run.state) and (not text or _mentions(run, text))
    ]
    metrics = _metric_names(everything)
    sort = given.get("sort", "started")

    def by_metric(run: Run) -> Any:
        return run.metrics.get(sort) if sort in metrics else None

    key: Callable[[Run], Any] = _SORTS.get(sort, by_metric)
    descending = given.get("order", "down") != "up"
    known = sorted((run for run in found if key(run) is not None), key=key, reverse=descending)
    ordered = known + [run for run in found if key(run) is None]
    page = whole(given, "page", usual=1, least=1, most=_MOST_PAGES)
    kept = {"state": state, "text": text, "sort": sort, "order": "down" if descending else "up"}

    def address(**changes: object) -> str:
        return "/?" + urlencode({k: v for k, v in {**kept, **changes}.items() if v != ""})

    return render(
        request,
        "runs.html",
        {
            "runs": ordered[(page - 1) * PAGE : page * PAGE],
            "found": len(found),
            "total": len(everything),
            "states": RUN_STATES,
            "state": state,
            "text": text,
            "metrics": metrics,
            "several": len({run.pipeline for run in everything}) > 1,
            "sort": sort,
            "descending": descending,
            "address": address,
            "first": (page - 1) * PAGE,
            "before": address(page=page - 1) if page > 1 else None,
            "after": address(page=page + 1) if page * PAGE < len(found) else None,
        },
    )


def _mentions(run: Run, text: str) -> bool:
    words = (run.id, run.pipeline, run.command, (run.summary or {}).get("pushed"))
    return any(text.lower() in str(word).lower() for word in words if word)


def _metric_names(runs: list[Run]) -> list[str]:
    """Return the first metrics of the newest run that has any."""
    return next((list(run.metrics)[:_METRICS] for run in runs if run.metrics), [])


ROUTES = [Route("/", runs, name="runs")]
