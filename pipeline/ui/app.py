"""The app: its routes, templates, static files, and what it says when something is wrong."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from components.errors import InputError
from pipeline.ui import pages
from pipeline.ui.context import Context
from pipeline.ui.rendering import PLACE, render
from pipeline.ui.security import Guard

_WHAT_IF = "pipeline.ui.what_if.routes"


def create(context: Context, *, hosts: Iterable[str] = (), any_address: bool = False) -> Starlette:
    """Return the app as an ASGI application.

    Parameters
    ----------
    context : Context
        What it shows; routes find it by `Context.of`.
    hosts : iterable of str
        Names, besides ``localhost``, by which it may be asked.
    any_address : bool
        Whether it may be asked by addresses beyond loopback; see `pipeline.ui.security`.
    """
    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=PLACE / "static"), name="static"),
            *pages.routes(),
            *_what_if(context),
        ],
        middleware=[
            Middleware(Guard, token=context.token, hosts=tuple(hosts), any_address=any_address)
        ],
        exception_handlers={
            InputError: _input_error,
            HTTPException: _http_error,
            Exception: _defect,
        },
    )
    app.state.context = context
    return app


def _what_if(context: Context) -> list[BaseRoute]:
    # Imported by name, so that the pages stand alone where that room is taken out.
    if importlib.util.find_spec(_WHAT_IF) is None:
        return []
    routes: list[BaseRoute] = importlib.import_module(_WHAT_IF).routes(context)
    return routes


def _input_error(request: Request, error: Exception) -> Response:
    """Answer a question for what is not there, or cannot be read."""
    assert isinstance(error, InputError)
    return _problem(request, HTTPStatus.NOT_FOUND, error.problem, error.details)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and text == HTTPStatus.NOT_FOUND.phrase:
        text = "There is no such page."
    return _problem(request, error.status_code, text, {})


def _defect(request: Request, error: Exception) -> Response:
    """Say that the app itself failed; the traceback goes to the log."""
    text = "The app failed at this page; where it was started, it says how."
    return _problem(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, text, {"error": type(error).__name__}
    )


def _problem(request: Request, status: int, text: str, details: dict[str, object]) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"problem": text, "details": details}, status)
    return render(request, "problem.html", {"text": text, "details": details}, status=status)
