"""The addresses of What-If.

- ``/what-if``: the newest run whose models can be asked; ``/what-if/RUN``: the page of a run,
  with ``?row=N`` to begin with a row.
- ``/what-if/RUN/ask/QUESTION``: a question as JSON; see `pipeline.ui.what_if.requests`. The answer
  is JSON; what is refused has the status 400, a ``problem`` and ``details``.
- ``/what-if/RUN/image/ROW``: the image of a row.
- ``/what-if-state``: what the models are at; see `pipeline.ui.what_if.models.Models.state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from components.errors import InputError
from pipeline.ui.context import Context
from pipeline.ui.rendering import render
from pipeline.ui.security import TOKEN_HEADER
from pipeline.ui.what_if.models import ModelsError
from pipeline.ui.what_if.service import WhatIf

_STATIC = "/what-if-static"
_STATE = "/what-if-state"


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes of What-If over the runs that an app shows."""
    service = WhatIf(context.reading, context.root)

    def newest(_request: Request) -> Response:
        return RedirectResponse(_address(service.newest()), 303)

    def page(request: Request) -> Response:
        run = request.path_params["run"]
        address = _address(run)
        paths = {
            "ask": f"{address}/ask/",
            "image": f"{address}/image/",
            "state": _STATE,
            "static": _STATIC,
        }
        values = service.page(run, paths, _row(request.query_params.get("row", "")) or 0)
        values["page"]["headers"] = {TOKEN_HEADER: context.token}
        values["addresses"] = {name: _address(name) for name in values["runs"]}
        return render(request, "what_if.html", values)

    async def ask(request: Request) -> Response:
        run, question = request.path_params["run"], request.path_params["question"]
        body = await request.body()
        try:
            return JSONResponse(await run_in_threadpool(service.ask, run, question, body))
        except InputError as error:
            return _refused(error.problem, error.details, 400)
        except ModelsError as error:
            return _refused(str(error), {}, 503)

    def image(request: Request) -> Response:
        row = _row(request.path_params["row"])
        if row is None:
            raise HTTPException(404)
        try:
            data, kind = service.image(request.path_params["run"], row)
        except ModelsError as error:
            return _refused(str(error), {}, 503)
        return Response(data, media_type=kind)

    def state(_request: Request) -> Response:
        return JSONResponse(service.state)

    return [
        Mount(
            _STATIC, StaticFiles(directory=Path(__file__).parent / "static"), name="what_if_static"
        ),
        Route(_STATE, state),
        Route("/what-if", newest),
        Route("/what-if/{run}", page),
        Route("/what-if/{run}/ask/{question}", ask, methods=["POST"]),
        Route("/what-if/{run}/image/{row}", image),
    ]


def _address(run: str) -> str:
    return f"/what-if/{quote(run, safe='')}"


def _row(text: str) -> int | None:
    """Return the number of a row; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _refused(problem: str, details: Mapping[str, Any], status: int) -> Response:
    return JSONResponse({"problem": problem, "details": dict(details)}, status)
