"""The first section: what ran and how long, on which data, and what was pushed and why."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.page import Column, Row, count, folded, number, pairs, table, titled
from pipeline import diagram
from pipeline.diagram import Box
from pipeline.report.facts import Facts
from pipeline.report.sections import SECTIONS
from pipeline.texts import duration, moment

#: Metrics that are listed; the first ones of the run's summary.
_METRICS = 12


def section(facts: Facts) -> str:
    """Return an HTML fragment."""
    return "\n".join(
        [
            f'<p class="lead">{escape(verdict(facts))}</p>',
            titled("What ran", _dag(facts) + folded("Times", _times(facts))),
            titled("Data", _data(facts)),
            _metrics(facts),
        ]
    )


def verdict(facts: Facts) -> str:
    """Return what became of the run, in a sentence or two."""
    run = facts.run
    pushed = (run.summary or {}).get("pushed")
    told = {
        "COMPLETE": "The run came to its end.",
        "REFUSED": "A gate refused: " + (" ".join(refusals(facts)) or "see below."),
        "FAILED": "The run failed: " + (failure(facts) or "see the logs."),
        "INTERRUPTED": "The run was interrupted.",
        "RUNNING": "The run is under way.",
    }.get(run.state, run.state.capitalize())
    if pushed:
        evaluation = facts.read_json("Evaluator", "evaluation", "evaluation.json") or {}
        chosen = evaluation.get("chosen")
        what = f"The {chosen} model" if chosen else "The model"
        told += f" {what} was pushed to {pushed}."
        if chosen:
            told += f" {_why(evaluation)}"
    elif run.state == "COMPLETE":
        told += " Nothing was pushed."
    return told


def refusals(facts: Facts) -> list[str]:
    """Return why gates refused."""
    found = [
        artifact.properties.get("mw_refused") or artifact.properties.get("refused")
        for artifact in facts.outputs.values()
    ]
    return list(dict.fromkeys(str(reason) for reason in found if reason))


def failure(facts: Facts) -> str | None:
    """Return which node failed and why, or None."""
    for execution in facts.executions:
        if execution.state == "FAILED":
            return f"{execution.node}, {execution.phase or 'executing'}: {execution.error}"
    return None


def _why(evaluation: dict[str, Any]) -> str:
    kept = sum(each["kept"] for each in evaluation.get("thresholds", []))
    rule = evaluation["rule"]["rule"]
    words = {
        "trained": "it is the Trainer's",
        "best": "it is the best",
        "smallest": "it is the smallest that is good enough",
    }
    bounds = f"keeps {count(kept, 'bound')}" if kept else "has no bound to keep"
    by = "" if rule == "trained" else f" by {evaluation['rule']['metric']}"
    return f"It {bounds}, and {words.get(rule, rule)}{by}."


def _dag(facts: Facts) -> str:
    anchors = {section.node: f"#{section.room}" for section in SECTIONS}
    shown = {
        section.node for section in SECTIONS if (section.node, section.output) in facts.outputs
    }
    boxes = []
    for execution in facts.executions:
        name = execution.node or execution.type
        state = execution.state.lower()
        seconds = execution.seconds
        detail = state if seconds is None or state == "cached" else f"{state}, {duration(seconds)}"
        boxes.append(Box(name, name, detail, state, anchors.get(name) if name in shown else None))
    drawn = diagram.draw(
        boxes, diagram.direct(facts.edges()), title="What ran, and what each node took"
    )
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="The graph of nodes">'
        f"{drawn}</div>"
    )


def _times(facts: Facts) -> str:
    columns = [
        Column("node", "name"),
        Column("state"),
        Column("attempt", "number"),
        Column("began"),
        Column("time", "number"),
    ]
    rows = [
        Row(
            [
                each.node or each.type,
                each.state.lower(),
                each.attempt,
                moment(each.started),
                duration(each.seconds),
            ]
        )
        for each in facts.executions
    ]
    return table("Times", "The last attempt at each node.", columns, rows)


def _data(facts: Facts) -> str:
    found = facts.dataset
    if found is None:
        return "<p>The store does not say.</p>"
    label = f"{plain(found['label'])}, {found['task']}"
    if found["classes"]:
        label += f" ({', '.join(map(plain, found['classes'][:12]))})"
    files = [*found["files"], *found.get("test_files", ())]
    items = [
        ("files", ", ".join(map(plain, files[:5])) + (" ..." if len(files) > 5 else "")),
        ("rows by split", ", ".join(f"{plain(n)} {r:,}" for n, r in found["split_rows"].items())),
        ("columns", str(len(found["columns"]))),
        ("label", label),
        ("fingerprint", found["fingerprint"][:16]),
    ]
    return pairs("What it was trained and judged on", items)


def _metrics(facts: Facts) -> str:
    metrics = list(facts.run.metrics.items())[:_METRICS]
    if not metrics:
        return ""
    columns = [Column("metric", "name"), Column("value", "number")]
    rows = [Row([name, number(value)]) for name, value in metrics]
    return titled("Metrics", table("Metrics", "Of the model that was judged.", columns, rows))
