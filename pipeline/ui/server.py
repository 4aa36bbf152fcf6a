"""Serves the app on a socket until it is told to end."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys

from components.errors import InputError
from pipeline.ui import starting
from pipeline.ui.app import create
from pipeline.ui.context import Context

#: Seconds that open answers, such as a live log, have to end.
_GRACE = 2


def serve(context: Context, host: str, port: int) -> None:
    """Serve the app; returns after Ctrl-C.

    Parameters
    ----------
    context : Context
    host : str
        Address or name at which it is served.
    port : int
        0 for a free one. The address is printed once it answers.

    Raises
    ------
    InputError
        If nothing can be served there.
    """
    import uvicorn

    listener = _listen(host, port)
    app = create(context, hosts=_names(host), any_address=not is_loopback(host))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=_GRACE,
    )
    # So that what the app has started is ended, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    print(f"http://{_shown(host)}:{listener.getsockname()[1]}/  (Ctrl-C ends it)", flush=True)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        starting.end_all()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Named as TCP, so that asyncio sends each part of an answer at once (TCP_NODELAY).
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        raise InputError(
            f"The app cannot be served at {host}:{port}: {error.strerror}.",
            expected="an address of this machine with a port that no other program has",
            remedy="use another --port, or 0 for a free one",
        ) from None
    return listener


def _names(host: str) -> tuple[str, ...]:
    """Return the names by which the app may be asked; an address is no name."""
    try:
        beyond = not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return (host,)
    return (socket.gethostname(),) if beyond else ()


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach `host`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
