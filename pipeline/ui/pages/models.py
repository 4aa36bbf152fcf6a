"""Models: which run trained which, what was blessed of them, and what was pushed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import takewhile

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pipeline.store import Artifact, Run
from pipeline.ui.context import Context
from pipeline.ui.rendering import render

#: The newest artifacts of each type that are looked through.
_MOST = 200
_TYPES = ("Model", "ModelCollection", "PushedModel")


@dataclass
class Models:
    """The models of a run.

    Attributes
    ----------
    run : Run
    candidates : list of Artifact
    blessed, pushed : Artifact or None
    """

    run: Run
    candidates: list[Artifact] = field(default_factory=list)
    blessed: Artifact | None = None
    pushed: Artifact | None = None


def models(request: Request) -> Response:
    """Show the models, the newest first."""
    context = Context.of(request)
    with context.reading() as store:
        known = set(store.types())
        by_run = defaultdict(list)
        cut = set()
        for kind in _TYPES:
            found = store.artifacts(type=kind, limit=_MOST) if kind in known else []
            if len(found) == _MOST:  # what this run and earlier ones made may be left out
                cut.add(found[-1].run)
            for artifact in found:
                if artifact.run is not None:
                    by_run[artifact.run].append(artifact)
        whole = takewhile(lambda run: run.id not in cut, store.runs())
        rows = [_of(run, by_run[run.id]) for run in whole if run.id in by_run]
    return render(request, "models.html", {"rows": rows, "cut": bool(cut)})


def _of(run: Run, artifacts: list[Artifact]) -> Models:
    models = Models(run)
    for artifact in sorted(artifacts, key=lambda each: each.id):
        if artifact.type == "PushedModel":
            models.pushed = artifact if artifact.properties.get("pushed") == 1 else None
        elif artifact.key == "blessed_model":
            models.blessed = artifact if artifact.properties.get("candidate") else None
        else:
            models.candidates.append(artifact)
    return models


ROUTES: list[BaseRoute] = [Route("/models", models)]
