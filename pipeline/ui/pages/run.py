"""One run: its graph, which is live while it runs, its nodes, their logs, and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipeline import diagram
from pipeline.config import PipelineConfig
from pipeline.diagram import Box
from pipeline.read_verbs import check_below, log_paths
from pipeline.report import overview, report
from pipeline.report.config import ReportConfig
from pipeline.report.facts import Facts
from pipeline.store import Run
from pipeline.texts import duration
from pipeline.ui import starting
from pipeline.ui.context import Context
from pipeline.ui.numbers import whole
from pipeline.ui.rendering import fragment, render
from pipeline.ui.security import SANDBOX_POLICY

#: Bytes of a log that one answer carries: the last ones, or those since the last answer.
_LOG_BYTES = 200_000
_LONGEST_LOG = 10**15
#: Of a node that has not begun.
_WAITING = "waiting"


def run(request: Request) -> Response:
    """Show a run."""
    return render(request, "run.html", _values(request))


def body(request: Request) -> Response:
    """Answer with the part of the page that changes while the run is under way."""
    values = _values(request)
    answer = HTMLResponse(fragment(request, "run_body.html", values))
    answer.headers["X-Run-State"] = values["run"].state
    return answer


def log(request: Request) -> Response:
    """Show the log of a node, which grows while the node runs."""
    found, path = _log(request)
    text, end = _tail(path, 0)
    node = request.path_params["node"]
    values = {"run": found, "node": node, "text": text, "end": end}
    return render(request, "log.html", values)


def log_text(request: Request) -> Response:
    """Answer with what a log has gained since a place in it."""
    found, path = _log(request)
    since = whole(request.query_params, "since", usual=0, least=0, most=_LONGEST_LOG)
    text, end = _tail(path, since)
    return JSONResponse({"text": text, "end": end, "running": found.state == "RUNNING"})


def page(request: Request) -> Response:
    """Answer with the report of a run, as it was written or, if it was not, as it would be."""
    context = Context.of(request)
    with context.reading() as store:
        found = store.run(request.path_params["run"])
        path = report.path_of(found, context.root)
        check_below(path, context.root)
        if path.is_file():
            text = path.read_text(encoding="utf-8")
        else:
            settings = ReportConfig.model_validate((found.config or {}).get("report") or {})
            text = report.html(Facts.of(store, found, context.root), settings)
    return HTMLResponse(text, headers={"Content-Security-Policy": SANDBOX_POLICY})


def _values(request: Request) -> dict[str, Any]:
    context = Context.of(request)
    with context.reading() as store:
        found = store.run(request.path_params["run"])
        facts = Facts.of(store, found, context.root)
        attempts = store.executions(found.id)
        paths = log_paths(store, found, None)
    planned = _planned(found)
    return {
        "run": found,
        "facts": facts,
        "attempts": attempts,
        "logs": set(paths),
        "outputs": {
            node: [a for (maker, _), a in facts.outputs.items() if maker == node]
            for node in {execution.node for execution in attempts}
        },
        "verdict": overview.verdict(facts),
        "graph": Markup(_graph(found, facts, planned, set(paths))),
        "live": found.state == "RUNNING",
        "tensorboard": _tensorboard(facts),
        "commands": {
            "resume": starting.words(context, "resume", found.id),
            "rerun": starting.words(context, "rerun"),
        },
        "nodes": [node.name for node in planned.enabled_nodes] if planned else [],
    }


def _planned(found: Run) -> PipelineConfig | None:
    """Return the settings of a run, if this version still understands them."""
    try:
        return PipelineConfig.model_validate(found.config) if found.config else None
    except (ValidationError, ValueError):
        return None


def _graph(found: Run, facts: Facts, planned: PipelineConfig | None, logs: set[str]) -> str:
    boxes: dict[str, Box] = {}
    edges = list(facts.edges())
    only = (found.job or {}).get("only") or ()
    for node in planned.enabled_nodes if planned else ():
        boxes[node.name] = Box(node.name, node.name, _WAITING, _WAITING)
        edges += [(source, node.name) for source in node.upstream]
    for execution in facts.executions:
        name = execution.node or execution.type
        state = execution.state.lower()
        told = state if execution.seconds is None else f"{state}, {duration(execution.seconds)}"
        href = f"/runs/{quote(found.id, safe='')}/logs/{quote(name, safe='')}"
        boxes[name] = Box(name, name, told, state, href if name in logs else None)
    if only:
        shown = [box for box in boxes.values() if box.id in only]
    elif found.state == "RUNNING":
        shown = list(boxes.values())
    else:
        shown = [box for box in boxes.values() if box.state != _WAITING]
    return diagram.draw(shown, diagram.direct(edges), title=f"The graph of run {found.id}")


def _tensorboard(facts: Facts) -> str | None:
    """Return the directory with TensorBoard's logs of the training, if there are any."""
    artifact = facts.outputs.get(("Trainer", "model_run"))
    if artifact is None:
        return None
    inside = Path(artifact.uri).resolve().is_relative_to(facts.root.resolve())
    found = inside and any(Path(artifact.uri).rglob("events.out.tfevents.*"))
    return artifact.uri if found else None


def _log(request: Request) -> tuple[Run, Path]:
    context = Context.of(request)
    node = request.path_params["node"]
    with context.reading() as store:
        found = store.run(request.path_params["run"])
        path = Path(log_paths(store, found, node)[node])
    check_below(path, context.root)
    return found, path


def _tail(path: Path, since: int) -> tuple[str, int]:
    """Return a log's text from a byte on, at most its last part, and where it ends."""
    if not path.is_file():
        return "", 0
    with path.open("rb") as file:
        end = file.seek(0, 2)
        begin = max(min(since, end), end - _LOG_BYTES)
        file.seek(begin)
        return file.read(end - begin).decode("utf-8", "replace"), end


ROUTES: list[BaseRoute] = [
    Route("/runs/{run}", run, name="run"),
    Route("/runs/{run}/body", body),
    Route("/runs/{run}/report", page),
    Route("/runs/{run}/logs/{node}", log),
    Route("/runs/{run}/logs/{node}/text", log_text),
    *starting.ROUTES,
]
