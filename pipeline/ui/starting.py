"""What the app starts, if it may: a run that resumes or reruns, and TensorBoard."""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pipeline import dag
from pipeline.read_verbs import check_below
from pipeline.ui.context import Context
from pipeline.ui.rendering import render
from pipeline.ui.security import form

#: Seconds that TensorBoard has to answer.
_PATIENCE = 30
_LOOPBACK = "127.0.0.1"
_boards: dict[str, tuple[subprocess.Popen[bytes], int]] = {}


def words(context: Context, *arguments: str) -> str:
    """Return the command that a person types, or the app starts."""
    return shlex.join([*context.command, *arguments, *(context.place or context.look)])


async def resume(request: Request) -> Response:
    """Go on with a run that failed or was interrupted."""
    context = _allowed(request)
    run = request.path_params["run"]
    with context.reading() as store:
        found = store.run(run)
    _start(context, "resume", found.id)
    return RedirectResponse("/", 303)


async def rerun(request: Request) -> Response:
    """Execute one node again on a run's outputs."""
    context = _allowed(request)
    fields = form(await request.body())
    with context.reading() as store:
        found = store.run(request.path_params["run"])
    node = dag.check_node(fields.get("node", ""))
    more = ("--downstream",) if fields.get("downstream") else ()
    _start(context, "rerun", node, "--base", found.id, *more)
    return RedirectResponse("/", 303)


def tensorboard(request: Request) -> Response:
    """Start TensorBoard on the logs of a training, once, and say where it is.

    A form that the app answers may lead to no other server: that is for a link.
    """
    context = _allowed(request)
    with context.reading() as store:
        found = store.run(request.path_params["run"])
        runs = [a for a in store.artifacts(run=found.id) if a.type == "ModelRun"]
    trained = next((a for a in runs if a.node == "Trainer"), None)
    if trained is None:
        raise HTTPException(404, "The run has no logs of a training.")
    check_below(Path(trained.uri), context.root)
    running = _boards.get(trained.uri)
    if running is None or running[0].poll() is not None:
        _boards[trained.uri] = running = _board(trained.uri)
    address = f"http://{_LOOPBACK}:{running[1]}/"
    return render(request, "tensorboard.html", {"run": found, "address": address})


def end_all() -> None:
    """End what was started for as long as the app runs."""
    for process, _ in _boards.values():
        process.terminate()
    _boards.clear()


def _allowed(request: Request) -> Context:
    context = Context.of(request)
    if not context.allow_run:
        raise HTTPException(403, "The app is read only; start it with --allow-run.")
    return context


def _start(context: Context, *arguments: str) -> None:
    """Start a verb that outlives the app; what it says is in the logs of its run."""
    subprocess.Popen(
        [*context.command, *arguments, *context.place],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _board(directory: str) -> tuple[subprocess.Popen[bytes], int]:
    with socket.create_server((_LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tensorboard.main", "--logdir", directory),
            *("--host", _LOOPBACK, "--port", str(port)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((_LOOPBACK, port), timeout=1),
        ):
            return process, port
        time.sleep(0.1)
    process.terminate()
    raise HTTPException(503, f"TensorBoard did not start within {_PATIENCE} seconds.")


ROUTES = [
    Route("/runs/{run}/resume", resume, methods=["POST"]),
    Route("/runs/{run}/rerun", rerun, methods=["POST"]),
    Route("/runs/{run}/tensorboard", tensorboard, methods=["POST"]),
]
