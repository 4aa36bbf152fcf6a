"""What the read verbs print for people: tables that fit 80 columns."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pipeline.store import Artifact, Comparison, Event, Execution, Lineage, Run

if TYPE_CHECKING:
    from components.tuner.trials import Trial

_STYLES = {
    "COMPLETE": "green",
    "CACHED": "cyan",
    "RUNNING": "yellow",
    "FAILED": "bold red",
    "INTERRUPTED": "red",
    "REFUSED": "magenta",
}
# Longest value of a setting that a comparison shows; --json has all of it.
_LONGEST_VALUE = 60


def print_runs(runs: Sequence[Run]) -> None:
    """Print a list of runs."""
    if not runs:
        _print("no run")
        return
    several = len({run.pipeline for run in runs}) > 1
    # No start: a run's id is the time at which it began.
    table = _table("run", *(["pipeline"] if several else []), "state")
    for name in ("time", "executed", "cached"):
        table.add_column(name, justify="right")
    table.add_column("result", overflow="fold")
    for run in runs:
        summary = run.summary or {}
        table.add_row(
            _text(run.id),
            *([_text(run.pipeline or "")] if several else []),
            _state(run.state),
            _elapsed(run),
            _text(summary.get("executed", "")),
            _text(summary.get("cached", "")),
            _text(", ".join(f"{name} {_number(value)}" for name, value in _first(run.metrics))),
        )
    _print(table)


def print_trials(search: Mapping[str, Any], trials: Sequence[Trial], directory: Path) -> None:
    """Print the trials of a search, the best first."""
    facts = _facts()
    counts = ", ".join(f"{number} {state}" for state, number in search["trials"].items())
    facts.add_row("search", _text(f"{search['strategy']}, seed {search['seed']}"))
    facts.add_row("trials", _text(counts))
    facts.add_row("time", _text(f"{search['seconds']:.0f} s"))
    facts.add_row("page", _text(directory / "search.html"))
    _print(facts)
    names = [objective["metric"] for objective in search["objectives"]]
    weights = {item["trial"]: item["weight"] for item in search["ensemble"]}
    several = len(weights) > 1
    table = _table("", "trial", "model", *(["share"] if several else []))
    for name in (*names, "epochs", "time"):
        table.add_column(name, justify="right")
    for rank, trial in enumerate(trials, 1):
        failed = [trial.state, *[""] * (len(names) - 1)]
        scores = [_number(trial.metrics.get(name)) for name in names]
        share = f"{weights[trial.id]:.0%}" if trial.id in weights else ""
        table.add_row(
            str(rank) if trial.score is not None else "",
            _text(trial.id),
            _text(trial.model.get("architecture", "")),
            *([share] if several else []),
            *(failed if trial.score is None else scores),
            str(trial.epochs),
            f"{trial.seconds:.1f} s",
        )
    _print(table)


def print_run(
    run: Run,
    executions: Sequence[Execution],
    events: Sequence[Event],
    artifacts: Mapping[int, Artifact],
    root: Path,
) -> None:
    """Print one run with its nodes."""
    facts = _facts()
    facts.add_row("run", _text(run.id))
    facts.add_row("state", _state(run.state))
    facts.add_row("started", _moment(run.started))
    facts.add_row("time", _elapsed(run))
    for name, value in (
        ("pipeline", run.pipeline),
        ("command", run.command),
        ("built on", run.base),
        ("pushed to", (run.summary or {}).get("pushed")),
    ):
        if value:
            facts.add_row(name, _text(value))
    for name, metric in run.metrics.items():
        facts.add_row(_text(name), _number(metric))
    _print(facts)

    table = _table("node", "state")
    table.add_column("time", justify="right")
    table.add_column("outputs", overflow="fold")
    for execution in executions:
        outputs = [e for e in events if e.execution == execution.id and e.kind == "output"]
        again = f" (attempt {execution.attempt})" if execution.attempt > 1 else ""
        table.add_row(
            _text((execution.node or execution.type) + again),
            _state(execution.state),
            _elapsed(execution),
            _text(", ".join(f"{artifacts[e.artifact].type} {e.artifact}" for e in outputs)),
        )
    _print("")
    _print(table)
    for execution in executions:
        if execution.state != "FAILED":
            continue
        _print("")
        phase = f" while {execution.phase}" if execution.phase else ""
        failed = Text(f"{_plain(execution.node or execution.type)} failed{phase}: ", "bold red")
        _print(failed.append(_plain(execution.error or "the store says no cause"), "default"))
        if execution.log:
            _print(Text(f"  log: {_relative(execution.log, root)}"))


def print_artifacts(artifacts: Sequence[Artifact], root: Path) -> None:
    """Print a list of artifacts, each with its path."""
    if not artifacts:
        _print("no artifact")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("id", justify="right")
    table.add_column("artifact", overflow="fold")
    table.add_column("run", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    for artifact in artifacts:
        state = "" if artifact.state == "LIVE" else f" ({artifact.state.lower()})"
        table.add_row(
            str(artifact.id),
            _text(f"{artifact.type}{state}").append(
                f"\n{_relative(artifact.uri, root)}", style="dim"
            ),
            _text(artifact.run or ""),
            _size(artifact.bytes),
        )
    _print(table)


def print_lineage(lineage: Lineage, root: Path) -> None:
    """Print lineage as a tree; what was shown before is not shown again."""
    artifacts = {artifact.id: artifact for artifact in lineage.artifacts}
    executions = {execution.id: execution for execution in lineage.executions}
    upward = lineage.direction == "up"
    near, far = ("output", "input") if upward else ("input", "output")
    seen: set[int] = set()

    def label(artifact: Artifact) -> Text:
        text = _text(f"{artifact.type} {artifact.id}")
        return text.append(f"  {_relative(artifact.uri, root)}", style="dim")

    def grow(tree: Tree, artifact: int) -> None:
        for step in lineage.events:
            if step.artifact != artifact or step.kind != near:
                continue
            execution = executions[step.execution]
            name = _text(f"{execution.node or execution.type}, {execution.run or 'no run'}")
            if execution.id in seen:
                tree.add(name.append(" (above)", style="dim"))
                continue
            seen.add(execution.id)
            branch = tree.add(name.append(", ").append(_state(execution.state)))
            for end in lineage.events:
                if end.execution == execution.id and end.kind == far:
                    grow(branch.add(label(artifacts[end.artifact])), end.artifact)

    tree = Tree(label(lineage.artifact))
    grow(tree, lineage.artifact.id)
    # A deep tree is wider than a terminal; folded, it could not be read.
    _print(tree, least_width=Console(width=10_000).measure(tree).maximum)
    if len(lineage.executions) == 0:
        _print("made from nothing" if upward else "nothing was made from it")


def print_comparison(found: Comparison) -> None:
    """Print what differs between two runs."""
    heading = _facts()
    for name, run in (("a", found.run_a), ("b", found.run_b)):
        heading.add_row(name, _text(f"{run.id}  ").append(_state(run.state)))
    _print(heading)
    if found.metrics:
        table = _table("metric")
        for name in ("a", "b", "b - a"):
            table.add_column(name, justify="right")
        for name, (first, second) in found.metrics.items():
            change = "" if first is None or second is None else f"{second - first:+.4f}"
            table.add_row(_text(name), _number(first), _number(second), change)
        _print("")
        _print(table)
    table = _table("node", "a", "b", "differs in")
    for node in found.nodes:
        reasons = [
            *(["code"] if node.code else []),
            *node.parameters,
            *(f"input {name}" for name in node.inputs),
        ]
        cells = [
            _state(str(state)).append(f" {_seconds(seconds)}" if seconds is not None else "")
            if state is not None
            else Text("-")
            for state, seconds in zip(node.states, node.seconds, strict=True)
        ]
        table.add_row(_text(node.node), *cells, _text(", ".join(reasons)))
    _print("")
    _print(table)
    rows = [
        (f"{node.node} {name}", pair)
        for node in found.nodes
        for name, pair in (*([("code", node.code)] if node.code else []), *node.parameters.items())
    ]
    if not rows:
        _print("\nno setting and no code differs")
        return
    table = _table("difference", "a", "b")
    for name, pair in rows:
        table.add_row(_text(name), _value(pair[0]), _value(pair[1]))
    _print("")
    _print(table)


# ------------------------------------------------------------------- pieces


def _print(thing: Any, least_width: int = 0) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(console.width, least_width)
    console.print(thing)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _facts() -> Table:
    """Return an empty table of names and values without headings."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    return table


def _plain(text: object) -> str:
    """Return text without the control characters that could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def _text(text: object) -> Text:
    return Text(_plain(text))


def _state(state: str) -> Text:
    return Text(state.lower(), _STYLES.get(state, ""))


def _value(value: object) -> Text:
    if value is None:
        return Text("-")
    text = value if isinstance(value, str) else json.dumps(value)
    return _text(text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "...")


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}"


def _first(metrics: Mapping[str, float]) -> Collection[tuple[str, float]]:
    return list(metrics.items())[:1]


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _elapsed(record: Run | Execution) -> str:
    if record.state == "RUNNING" and record.started is not None:
        return _seconds(time.time() - record.started)
    return _seconds(record.seconds)


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    value = float(size)
    units = ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def _relative(path: str, root: Path) -> str:
    """Return a path as short as it can be said from the pipeline's root."""
    try:
        return _plain(Path(path).relative_to(root))
    except ValueError:
        return _plain(path)
