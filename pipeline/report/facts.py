"""What the report says of a run, as plain values: from the store, and files of its artifacts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline.read_verbs import check_below
from pipeline.store import Artifact, Event, Execution, Run, Store


@dataclass(frozen=True)
class Facts:
    """A run and all that it made or took from earlier ones.

    Attributes
    ----------
    run : Run
    root : Path
        The pipeline's; nothing outside of it is read.
    executions : tuple of Execution
        The last attempt at each node, in the order of their starts.
    outputs : dict of (str, str) to Artifact
        By node and output.
    events : tuple of Event
    dataset : dict or None
        What the data were, as ExampleGen was told.
    """

    run: Run
    root: Path
    executions: tuple[Execution, ...]
    outputs: dict[tuple[str, str], Artifact]
    events: tuple[Event, ...]
    dataset: dict[str, Any] | None

    @classmethod
    def of(cls, store: Store, run: Run, root: Path) -> Facts:
        """Read the facts of a run."""
        attempts = store.executions(run.id)
        last = {each.node or each.type: each for each in attempts}
        executions = tuple(last.values())
        node_of = {each.id: each.node or each.type for each in executions}
        events = tuple(store.events([each.id for each in executions]))
        written = [event for event in events if event.kind == "output"]
        known = {a.id: a for a in store.artifacts_by_id(event.artifact for event in written)}
        outputs = {
            (node_of[event.execution], event.key or ""): known[event.artifact]
            for event in written
            if event.artifact in known
        }
        return cls(run, root, executions, outputs, events, _dataset(executions))

    @property
    def told(self) -> set[str]:
        """The nodes whose outputs the report shows: of a part of the DAG those that ran."""
        only = (self.run.job or {}).get("only")
        return set(only) if only else {node for node, _ in self.outputs}

    def read_json(self, node: str, output: str, name: str) -> Any:
        """Return a JSON file of an output, or None if there is none that can be read."""
        artifact = self.outputs.get((node, output))
        if artifact is None:
            return None
        try:
            check_below(Path(artifact.uri) / name, self.root)
            return json.loads((Path(artifact.uri) / name).read_text(encoding="utf-8"))
        except (InputError, OSError, ValueError):
            return None

    def edges(self) -> list[tuple[str, str]]:
        """Return which node read what which other made."""
        makers = {
            event.artifact: event.execution for event in self.events if event.kind == "output"
        }
        names = {each.id: each.node or each.type for each in self.executions}
        return [
            (names[makers[event.artifact]], names[event.execution])
            for event in self.events
            if event.kind in ("input", "resolved") and event.artifact in makers
        ]


def _dataset(executions: tuple[Execution, ...]) -> dict[str, Any] | None:
    for execution in executions:
        found = execution.parameters.get("dataset")
        if isinstance(found, str):
            found = json.loads(found)
        if isinstance(found, dict):
            return found
    return None
