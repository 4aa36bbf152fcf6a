"""The live view of a run: one line a node, and a last one that says how it ended."""

from __future__ import annotations

import sys
from pathlib import PurePath
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from pipeline.job import Event

_STYLES = {
    "complete": "green",
    "cached": "cyan",
    "resolved": "cyan",
    "skipped": "yellow",
    "retrying": "yellow",
    "failed": "bold red",
}


class View:
    """Prints a run's events to standard error.

    On a terminal the running node has a moving line below those that are done.

    Parameters
    ----------
    resume_command : str
        What the user can type to go on after a failure.
    """

    def __init__(self, resume_command: str) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._resume_command = resume_command
        self._nodes: list[str] = []
        self._places: dict[str, int] = {}
        self._width = 0
        self._live: Live | None = None
        self._label = ""
        self._detail = ""

    def __enter__(self) -> View:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.__enter__()
            self._wait_for("starting")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        getattr(self, f"_on_{event['event']}", lambda _: None)(event)

    def _on_ready(self, event: Event) -> None:
        self._wait_for("compiling the DAG")

    def _on_plan(self, event: Event) -> None:
        self._nodes = event["nodes"]
        self._width = max(map(len, self._nodes), default=0) + 2

    def _on_notice(self, event: Event) -> None:
        self._print(f"[yellow]note[/] {escape(event['text'])}")

    def _on_progress(self, event: Event) -> None:
        self._detail = f"{event['fraction']:4.0%} {event['text']}"
        self._wait_for(self._label)

    def _on_node(self, event: Event) -> None:
        position = self._position(event["node"])
        if event["state"] == "running":
            self._detail = ""
            self._label = f"{position} {event['node']}"
            self._wait_for(self._label)
            return
        style = _STYLES[event["state"]]
        result = _brief(event.get("outputs", []))
        if event["state"] == "retrying":
            result = event["cause"]
        self._print(
            f"{position} {event['node']:<{self._width}}[{style}]{event['state']:<9}[/]"
            f"{event['seconds']:7.1f} s  {escape(result)}".rstrip()
        )
        if event["state"] == "failed":
            self._on_failure(event)

    def _on_failure(self, event: Event) -> None:
        self._print(f"\n[bold red]{event['node']} failed[/] while {event['phase']}")
        self._print_cause(event)
        self._print(f"  log:       {escape(event['log'])}")
        self._print(f"  go on:     {escape(self._resume_command)}")

    def _on_error(self, event: Event) -> None:
        self._print("[bold red]The run failed.[/]")
        self._print_cause(event)

    def _print_cause(self, event: Event) -> None:
        found = event.get("input_error")
        self._print(f"  cause:     {escape(found['problem'] if found else event['cause'])}")
        for key, value in (found["details"] if found else {}).items():
            self._print(f"  {key + ':':<10} {escape(str(value))}")

    def _on_end(self, event: Event) -> None:
        self._wait_for("")
        for reason in event.get("refusals", []):
            self._print(f"[bold yellow]refused[/] {escape(reason)}")

    def _position(self, node: str) -> str:
        if node not in self._nodes:
            return "[dim]   [/]"
        width = len(str(len(self._nodes)))
        # Nodes that do not wait for each other begin in an order that Beam chooses.
        place = self._places.setdefault(node, len(self._places) + 1)
        return f"\\[{place:>{width}}/{len(self._nodes)}]"

    def _print(self, text: str) -> None:
        self._console.print(text)

    def _wait_for(self, label: str) -> None:
        if self._live is not None:
            line = Text.from_markup(label)
            if self._detail:
                line.append("  " + self._detail, style="dim")
            self._live.update(Spinner("dots", line) if label else Text())


def _brief(outputs: list[str]) -> str:
    """Return the paths of a node's outputs as one.

    Examples
    --------
    >>> _brief(["artifacts/Trainer/model/6", "artifacts/Trainer/model_run/6"])
    'artifacts/Trainer/{model,model_run}/6'
    """
    parts = [PurePath(path).parts for path in sorted(outputs)]
    if len({(path[:-2], path[-1]) for path in parts}) != 1:
        return ", ".join(outputs)
    names = [path[-2] for path in parts]
    name = names[0] if len(names) == 1 else f"{{{','.join(names)}}}"
    return str(PurePath(*parts[0][:-2], name, parts[0][-1]))
