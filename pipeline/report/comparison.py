"""Two runs side by side, on one self-contained page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.charts import escape, plain
from components.page import Column, Row, number, table
from pipeline import diagram
from pipeline.diagram import Box
from pipeline.report import overview, page
from pipeline.report.facts import Facts
from pipeline.store import Comparison, Run, Store
from pipeline.texts import duration, moment

#: Characters of a setting that are shown.
_VALUE = 120


def html(store: Store, found: Comparison, root: Path) -> str:
    """Return a page about what differs between two runs.

    Parameters
    ----------
    store : Store
    found : Comparison
        What ``Store.compare`` returned.
    root : Path
        The pipeline's.
    """
    title = f"{found.run_a.id} and {found.run_b.id}"
    return page.document(title, parts(store, found, root))


def parts(store: Store, found: Comparison, root: Path) -> list[tuple[str, str, str]]:
    """Return the anchor, the heading and the markup of each part of the page."""
    runs = (found.run_a, found.run_b)
    facts = [Facts.of(store, run, root) for run in runs]
    drawn = [
        ("verdicts", "What became of them", page.beside(map(_verdict, runs, facts))),
        ("metrics", "Metrics", _metrics(found)),
        ("settings", "Settings, code and inputs", _settings(found)),
        ("nodes", "States and times", _nodes(found)),
        ("graphs", "What ran", "".join(map(_graph, runs, facts))),
    ]
    return [part for part in drawn if part[2]]


def _verdict(run: Run, facts: Facts) -> str:
    return (
        f"<h3>{escape(run.id)}</h3><p>{escape(overview.verdict(facts))}</p>"
        f'<p class="quiet">{escape(moment(run.started))}, {escape(duration(run.seconds))}</p>'
    )


def _metrics(found: Comparison) -> str:
    rows = []
    for name, (first, second) in found.metrics.items():
        change = "" if first is None or second is None else f"{second - first:+.4f}"
        rows.append(Row([name, _number(first), _number(second), change]))
    if not rows:
        return ""
    columns = [Column("metric", "name"), *_sides(found, "number"), Column("change", "number")]
    return table("Metrics", "Of the models that were judged.", columns, rows)


def _sides(found: Comparison, kind: Any) -> list[Column]:
    return [Column(run.id, kind) for run in (found.run_a, found.run_b)]


def _settings(found: Comparison) -> str:
    rows = []
    for node in found.nodes:
        for name, pair in node.parameters.items():
            rows.append(Row([node.node, plain(name), *map(_shown, pair)]))
        if node.code is not None:
            rows.append(Row([node.node, "code", *map(_shown, node.code)]))
        for name, pair in node.inputs.items():
            rows.append(Row([node.node, f"input {plain(name)}", *map(_shown, pair)]))
    if not rows:
        return "<p>Settings, code and inputs are the same.</p>"
    columns = [Column("node", "name"), Column("what"), *_sides(found, "wide")]
    return table("What differs", "Settings, code and inputs that differ.", columns, rows)


def _nodes(found: Comparison) -> str:
    columns = [Column("node", "name")]
    for side in ("a", "b"):
        columns += [Column(f"state {side}"), Column(f"time {side}", "number")]
    rows = [
        Row(
            [
                node.node,
                *(
                    cell
                    for state, seconds in zip(node.states, node.seconds, strict=True)
                    for cell in ((state or "").lower(), duration(seconds))
                ),
            ]
        )
        for node in found.nodes
    ]
    return table("Nodes", "Each node in both runs.", columns, rows)


def _graph(run: Run, facts: Facts) -> str:
    boxes = [
        Box(
            each.node or each.type,
            each.node or each.type,
            f"{each.state.lower()}, {duration(each.seconds)}",
            each.state.lower(),
        )
        for each in facts.executions
    ]
    drawn = diagram.draw(boxes, diagram.direct(facts.edges()), title=f"What ran in {run.id}")
    return (
        f"<h3>{escape(run.id)}</h3>"
        f'<div class="scroll" role="region" tabindex="0" aria-label="Graph of {escape(run.id)}">'
        f"{drawn}</div>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain("" if value is None else text, _VALUE)
