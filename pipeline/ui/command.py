"""The verb that serves the app."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from components.errors import InputError
from pipeline.read_verbs import ConfigOption, RootOption

_LOOPBACK = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command()(ui)


def ui(
    root: RootOption = None,
    config: ConfigOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="With --config, KEY=VALUE that says where the runs are: root or store."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the server; 0 takes a free one.")
    ] = 8765,
    host: Annotated[
        str,
        typer.Option(
            help="Address or name to serve at; any but loopback shows all to the network."
        ),
    ] = _LOOPBACK,
    allow_run: Annotated[
        bool,
        typer.Option("--allow-run", help="Let pages rerun and resume; needs --config."),
    ] = False,
) -> None:
    """Serve a web app that shows runs, artifacts, lineage and models (Ctrl-C ends it)."""
    from pipeline.invocation import Invocation
    from pipeline.read_verbs import open_store
    from pipeline.ui import server
    from pipeline.ui.context import Context

    if allow_run and config is None:
        raise InputError(
            "--allow-run needs to know the config of what it runs.",
            expected="--config FILE, or the name of a shipped config",
        )
    store, place = open_store(root, config, tuple(settings or ()))
    invocation = Invocation(config or "", tuple(settings or ()))
    context = Context(
        store=store,
        root=place,
        command=tuple(invocation.program),
        place=("--config", config, *invocation.place) if config else (),
        look=("--root", str(place)) if config is None else ("--config", config),
        allow_run=allow_run,
    )
    if not server.is_loopback(host):
        print(
            f"Whoever reaches {host} on the network can see all runs"
            + (" and start new ones." if allow_run else "."),
            file=sys.stderr,
        )
    server.serve(context, host, port)
