"""The command line: every verb, its options and its exit codes."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from components.errors import INTERRUPTED, InputError, ModelworksError
from pipeline import read_verbs
from pipeline.invocation import Invocation
from pipeline.ui import command as ui_command

app = typer.Typer(
    name="modelworks",
    help=(
        "Run an ML pipeline from raw data to a pushed model, rerun a part of it, and look at "
        "what its metadata store holds.\n\nExit codes: 0 ok, 1 a node failed, 2 usage or bad "
        "input, 3 a gate refused, 130 interrupted."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    str, typer.Option("--config", "-c", help="A YAML file, or the name of a shipped config.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="KEY=VALUE that replaces a setting, such as trainer.epochs=3."),
]
PlaceOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="KEY=VALUE that says where the runs are: root or store."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as one JSON object on standard output.")
]


@app.command()
def run(
    config: ConfigOption = "taxi",
    settings: SetOption = None,
    no_cache: Annotated[bool, typer.Option(help="Execute every node.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the whole pipeline; unchanged nodes come from the cache."""
    from pipeline import commands
    from pipeline.config import load

    loaded = load(config, _overrides(settings, no_cache))
    invocation = Invocation(config, tuple(settings or ()))
    raise typer.Exit(commands.run(loaded, invocation=invocation, as_json=as_json))


@app.command()
def rerun(
    node: Annotated[str, typer.Argument(help="The node to execute again.")],
    config: ConfigOption = "taxi",
    settings: SetOption = None,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Run what depends on it, too.")
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(help="Run whose outputs it builds on; by default the last good one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Execute one node again on an earlier run's outputs."""
    from pipeline import commands
    from pipeline.config import load

    loaded = load(config, tuple(settings or ()))
    raise typer.Exit(
        commands.rerun(
            loaded,
            node,
            with_downstream=downstream,
            base=base,
            invocation=Invocation(config, tuple(settings or ())),
            as_json=as_json,
        )
    )


@app.command()
def resume(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="By default the newest run.")
    ] = None,
    config: ConfigOption = "taxi",
    place: PlaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that failed or was interrupted, with the settings it had."""
    from pipeline import commands
    from pipeline.config import load

    invocation = Invocation(config, tuple(place or ()))
    loaded = load(config, invocation.settings)
    raise typer.Exit(commands.resume(loaded, run_id, invocation=invocation, as_json=as_json))


@app.command()
def monitor(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...", help="Later data, each file a span, in the order of their times."
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="A file with key and label of rows that were monitored without."),
    ] = None,
    retrain: Annotated[
        bool | None,
        typer.Option(
            "--retrain/--no-retrain",
            help="After an alarm, train anew on the rows since the change; by default "
            "monitor.retrain.automatic.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Run whose model is watched; by default the newest that was pushed."),
    ] = None,
    config: ConfigOption = "taxi",
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch data that came after training; exit code 3 after an alarm."""
    from pipeline import monitoring
    from pipeline.config import load

    code = monitoring.monitor(
        load(config, tuple(settings or ())),
        tuple(files or ()),
        labels=labels,
        base=base,
        retrain=retrain,
        invocation=Invocation(config, tuple(settings or ())),
        as_json=as_json,
    )
    raise typer.Exit(code)


@app.command()
def dag(config: ConfigOption = "taxi", as_json: JsonOption = False) -> None:
    """Show the nodes that a config leaves on, and how they depend on each other."""
    from pipeline.config import load

    rows = [
        {"node": node.name, "upstream": list(node.upstream)} for node in load(config).enabled_nodes
    ]
    if as_json:
        print(json.dumps(rows))
        return
    width = max(len(row["node"]) for row in rows)
    for row in rows:
        sources = f"<- {', '.join(row['upstream'])}" if row["upstream"] else ""
        print(f"{row['node']:<{width}}  {sources}".rstrip())


@app.command("explain-cache")
def explain_cache(
    node: Annotated[str, typer.Argument(help="The node in question.")],
    config: ConfigOption = "taxi",
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a run would take a node from the cache, and if not, why."""
    from pipeline import explanation
    from pipeline.config import load

    found = explanation.explain(load(config, tuple(settings or ())), node)
    if as_json:
        print(json.dumps(found))
        return
    print(f"{node}: {found['verdict']}")
    for reason in found["reasons"]:
        print(f"  {reason}")


@app.command()
def fsck(
    config: ConfigOption = "taxi", place: PlaceOption = None, as_json: JsonOption = False
) -> None:
    """Check every output against its manifest, and list what belongs to nothing."""
    from pipeline import maintenance
    from pipeline.config import load

    findings = maintenance.check(load(config, tuple(place or ())))
    _print_findings(findings, as_json, done="found")
    raise typer.Exit(1 if findings else 0)


@app.command()
def gc(
    config: ConfigOption = "taxi",
    place: PlaceOption = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove; without it, only list.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what killed and failed runs left behind (without --apply: list it)."""
    from pipeline import maintenance
    from pipeline.config import load

    findings = maintenance.collect_garbage(load(config, tuple(place or ())), apply=apply)
    _print_findings(findings, as_json, done="removed" if apply else "would be removed")
    if findings and not apply and not as_json:
        print("Nothing was removed; --apply removes it.")


def _print_findings(findings: list[dict[str, Any]], as_json: bool, *, done: str) -> None:
    if as_json:
        print(json.dumps(findings))
        return
    for finding in findings:
        print(f"{finding['kind']:<20}{finding['path']}  {finding['detail']}".rstrip())
    size = sum(finding.get("bytes", 0) for finding in findings)
    print(f"{len(findings)} finding(s) {done}, {size / 1e6:.1f} MB")


def _overrides(settings: list[str] | None, no_cache: bool) -> tuple[str, ...]:
    return (*(settings or ()), *(("cache=false",) if no_cache else ()))


read_verbs.register(app)
ui_command.register(app)


def main() -> None:
    """Run the command line; errors a user can mend end without a traceback."""
    sys.path.append(os.getcwd())  # of the user's own functions
    try:
        code = app(standalone_mode=False)
    except InputError as error:
        _print_error(error.problem, error.details)
        code = error.exit_code
    except ModelworksError as error:
        _print_error(str(error), {})
        code = error.exit_code
    except KeyboardInterrupt:
        _print_error("Interrupted.", {})
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader, such as `head`, has seen enough
        code = 0
    except Exception as error:
        code = _usage_error(error)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: Exception) -> int:
    """Report what the command line's parser raised; anything else goes on its way."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    raise error


def _print_error(problem: str, details: dict[str, Any]) -> None:
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    console.print(f"[bold red]error[/] {escape(problem)}")
    for key, value in details.items():
        console.print(f"  {key + ':':<10} {escape(str(value))}")


if __name__ == "__main__":
    main()
