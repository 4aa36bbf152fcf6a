"""The verbs that only look: runs, show, artifacts, lineage, compare, logs, trials, report.

Each prints a table, or with ``--json`` one JSON object and nothing else on standard
output. Times there are seconds since the epoch, durations seconds, unknown values null:

- ``runs``: ``{"runs": [run, ...]}``, the newest first. A run has the attributes of
  `pipeline.store.Run`, and ``seconds``.
- ``show``: ``{"run": run, "executions": [execution, ...]}``. An execution has the
  attributes of `pipeline.store.Execution`, ``seconds``, and ``inputs`` and ``outputs``:
  lists of ``{"artifact", "type", "key", "uri"}``.
- ``artifacts``: ``{"artifacts": [artifact, ...]}``, the newest first, with the attributes of
  `pipeline.store.Artifact`.
- ``lineage``: ``{"artifact", "direction", "artifacts", "executions", "events"}``, the
  attributes of `pipeline.store.Lineage`.
- ``compare``: ``{"run_a", "run_b", "nodes", "metrics"}``, the attributes of
  `pipeline.store.Comparison`; every pair is a list of two.
- ``logs``: ``{"run": id, "logs": [{"node", "path", "text"}, ...]}``.
- ``report``: ``{"run": id, "report": path}``.
- ``trials``: ``{"run": id, "search": summary, "trials": [trial, ...]}``, the best first, with the
  attributes of `components.tuner.trials.Trial`; the summary is the file ``search.json``.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components import files
from components.errors import InputError
from components.naming import nearest

if TYPE_CHECKING:
    from pipeline.store import Run, Store

#: Directory in which a pipeline's root is by default.
RUNS = Path("runs")

RootOption = Annotated[
    str | None,
    typer.Option("--root", help="The pipeline's root; by default the only one below ./runs."),
]
ConfigOption = Annotated[
    str | None,
    typer.Option("--config", "-c", help="The pipeline's config: a YAML file, or a shipped one."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as one JSON object on standard output.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="[RUN]", help="Id of a run, a unique beginning of it, or latest.")
]


def register(app: typer.Typer) -> None:
    """Add the read verbs to a command line."""
    for verb in (runs, show, artifacts, lineage, compare, logs, trials, report):
        app.command()(verb)


def runs(
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 20,
    state: Annotated[
        str | None, typer.Option(help="Only those in this state, such as FAILED.")
    ] = None,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs, the newest first."""
    store, _ = open_store(root, config)
    found = store.runs(limit=limit, state=state.upper() if state else None)
    if as_json:
        _print_json({"runs": [_with_seconds(run) for run in found]})
        return
    from pipeline import read_tables

    read_tables.print_runs(found)


def show(
    run: RunArgument = "latest",
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one run: its nodes, outputs, metrics, and what failed."""
    store, place = open_store(root, config)
    found = store.run(run)
    executions = store.executions(found.id)
    events = store.events([execution.id for execution in executions])
    known = {
        artifact.id: artifact for artifact in store.artifacts_by_id(e.artifact for e in events)
    }
    if not as_json:
        from pipeline import read_tables

        read_tables.print_run(found, executions, events, known, place)
        return

    def ends(execution: int, kind: str) -> list[dict[str, Any]]:
        return [
            {
                "artifact": event.artifact,
                "type": known[event.artifact].type,
                "key": event.key,
                "uri": known[event.artifact].uri,
            }
            for event in events
            if event.execution == execution and event.kind == kind
        ]

    _print_json(
        {
            "run": _with_seconds(found),
            "executions": [
                {
                    **_with_seconds(execution),
                    "inputs": ends(execution.id, "input"),
                    "outputs": ends(execution.id, "output"),
                }
                for execution in executions
            ],
        }
    )


def artifacts(
    type_: Annotated[
        str | None, typer.Option("--type", help="Only of this type, such as Model.")
    ] = None,
    node: Annotated[str | None, typer.Option(help="Only outputs of this node.")] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Only outputs of this run, those from the cache included."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List artifacts, the newest first."""
    store, place = open_store(root, config)
    found = store.artifacts(run=run, type=type_, node=node, limit=limit)
    if as_json:
        _print_json({"artifacts": [dataclasses.asdict(artifact) for artifact in found]})
        return
    from pipeline import read_tables

    read_tables.print_artifacts(found, place)


def lineage(
    artifact: Annotated[int, typer.Argument(help="Id of an artifact; see artifacts.")],
    down: Annotated[
        bool, typer.Option("--down/--up", help="What was made from it, or what it was made from.")
    ] = False,
    depth: Annotated[
        int | None, typer.Option(min=1, help="At most so many nodes away; by default all.")
    ] = None,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an artifact was made from (--up), or what was made from it (--down)."""
    store, place = open_store(root, config)
    found = store.lineage(artifact, "down" if down else "up", depth)
    if as_json:
        _print_json(dataclasses.asdict(found))
        return
    from pipeline import read_tables

    read_tables.print_lineage(found, place)


def compare(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A", help="The one run.")],
    run_b: Annotated[str, typer.Argument(metavar="[RUN_B]", help="The other run.")] = "latest",
    html: Annotated[
        str | None, typer.Option(help="Write a page with the two side by side to this file.")
    ] = None,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two runs: settings, code, inputs, times, metrics."""
    store, place = open_store(root, config)
    found = store.compare(run_a, run_b)
    if html is not None:
        from pipeline.report import comparison

        files.write_bytes(html, comparison.html(store, found, place).encode())
        print(html, file=sys.stderr)
    if as_json:
        _print_json(
            {
                **dataclasses.asdict(found),
                "run_a": _with_seconds(found.run_a),
                "run_b": _with_seconds(found.run_b),
                "nodes": [
                    {**dataclasses.asdict(node), "differs": node.differs} for node in found.nodes
                ],
            }
        )
        return
    from pipeline import read_tables

    read_tables.print_comparison(found)


def logs(
    run: RunArgument = "latest",
    node: Annotated[str | None, typer.Argument(help="By default all nodes.")] = None,
    tail: Annotated[
        int | None, typer.Option(min=1, help="Only so many lines at the end of each log.")
    ] = None,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the logs of a run's nodes."""
    store, place = open_store(root, config)
    found = store.run(run)
    paths = log_paths(store, found, node)
    texts = {name: read_log(path, place, tail) for name, path in paths.items()}
    if as_json:
        entries = [
            {"node": name, "path": paths[name], "text": text} for name, text in texts.items()
        ]
        _print_json({"run": found.id, "logs": entries})
        return
    for name, text in texts.items():
        if node is None:
            print(f"==> {name} <==")
        print(text, end="" if text.endswith("\n") or not text else "\n")


def trials(
    run: RunArgument = "latest",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the best.")] = 20,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the leaderboard of a run's search: its trials, the best first."""
    from components.tuner.trials import SEARCH_FILE, read_table

    store, place = open_store(root, config)
    found = store.run(run)
    results = [each for each in store.artifacts(run=found.id) if each.type == "TunerResults"]
    if not results:
        raise InputError(
            f"Run {found.id} has no search.",
            expected="a run with the node Tuner",
            remedy="give the config a section tuner, such as tuner: {}",
        )
    directory = Path(results[0].uri)
    check_below(directory, place)
    try:
        search = json.loads((directory / SEARCH_FILE).read_text(encoding="utf-8"))
        ranked = read_table(directory)
    except OSError as error:
        raise InputError(
            f"The search's results cannot be read: {error.strerror}.", file=str(directory)
        ) from None
    ranked.sort(key=lambda trial: math.inf if trial.score is None else -trial.score)
    shown = ranked[:limit]
    if as_json:
        rows = [trial.model_dump(mode="json") for trial in shown]
        _print_json({"run": found.id, "search": search, "trials": rows})
        return
    from pipeline import read_tables

    read_tables.print_trials(search, shown, directory)


def report(
    run: RunArgument = "latest",
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="File to write; by default below the root."),
    ] = None,
    root: RootOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a run: one HTML page, and its model card as Markdown and JSON."""
    from pipeline.report import report as reports
    from pipeline.report.config import ReportConfig

    store, place = open_store(root, config)
    found = store.run(run)
    settings = ReportConfig.model_validate((found.config or {}).get("report") or {})
    path = Path(output) if output is not None else reports.path_of(found, place)
    reports.write(store, found, place, path, settings)
    if as_json:
        _print_json({"run": found.id, "report": str(path)})
        return
    print(path)


# ---------------------------------------------------------------- the store


def open_store(
    root: str | None, config: str | None, settings: tuple[str, ...] = ()
) -> tuple[Store, Path]:
    """Return the store and the pipeline's root; never makes a store."""
    from pipeline.store import Store, sqlite

    if config is None:
        place = _find_root(root)
        path = sqlite.default_path(place)
        return Store(sqlite.connection_config(path, create=False)), place
    if root is not None:
        raise InputError("--root and --config exclude each other.", remedy="give one of them")
    from pipeline.config import load
    from pipeline.store_config import connection_config

    loaded = load(config, settings)
    if loaded.store.type == "sqlite":
        path = Path(loaded.store.path or sqlite.default_path(loaded.root))
        connection = sqlite.connection_config(path, create=False)
    else:
        connection = connection_config(loaded.store, loaded.root)
    return Store(connection, loaded.name), loaded.root


def _find_root(root: str | None) -> Path:
    if root is not None:
        place = Path(root).expanduser().absolute()
        if not place.is_dir():
            siblings = _roots(place.parent)
            raise InputError(
                f"There is no directory {root!r}{nearest(place.name, siblings)}.",
                expected=f"a pipeline's root, such as {', '.join(siblings)}" if siblings else None,
            )
        return place
    found = _roots(RUNS)
    if not found:
        raise InputError(
            "There is no pipeline's root below ./runs.",
            remedy="use run, or say where it is with --root DIR or --config FILE",
        )
    if len(found) > 1:
        raise InputError(
            "There are several pipelines below ./runs.",
            expected="--root with one of " + ", ".join(str(RUNS / name) for name in found),
        )
    return (RUNS / found[0]).absolute()


def _roots(directory: Path) -> list[str]:
    """Return the names of the directories that hold a metadata store."""
    from pipeline.store.sqlite import FILE_NAME

    return sorted(path.parent.name for path in directory.glob(f"*/{FILE_NAME}"))


# -------------------------------------------------------------------- output


def _with_seconds(record: Any) -> dict[str, Any]:
    return {**dataclasses.asdict(record), "seconds": record.seconds}


def _print_json(value: Any) -> None:
    print(json.dumps(_finite(value), allow_nan=False))


def _finite(value: Any) -> Any:
    """Return `value` with null for NaN and the infinities, which JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


# ---------------------------------------------------------------------- logs


def log_paths(store: Store, run: Run, node: str | None) -> dict[str, str]:
    """Return the log of each node; of an attempt and its retries it is the same file."""
    names: dict[str, None] = {}
    paths: dict[str, str] = {}
    for execution in store.executions(run.id):
        name = execution.node or execution.type
        names[name] = None
        if execution.log is not None:
            paths[name] = execution.log
    if node is None:
        return paths
    if node not in names:
        raise InputError(
            f"Run {run.id} has no node {node!r}{nearest(node, names)}.",
            expected=", ".join(names) or "no node has run",
        )
    if node not in paths:
        raise InputError(
            f"Run {run.id} has no log of {node}.",
            expected=f"one of {', '.join(paths)}" if paths else None,
        )
    return {node: paths[node]}


def read_log(path: str, root: Path, tail: int | None) -> str:
    check_below(Path(path), root)
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"The log cannot be read: {error.strerror}.", file=path) from None
    return "".join(text.splitlines(keepends=True)[-tail:]) if tail else text


def check_below(path: Path, root: Path) -> None:
    """Raise an `InputError` for a path outside the pipeline's root.

    The store may be shared; what it names is only read if it is this pipeline's.
    """
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"{path.name} lies outside the pipeline's root.",
            file=str(path),
            expected=f"below {root}",
        )
