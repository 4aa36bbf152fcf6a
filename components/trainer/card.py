"""A training as a section for people: its curves and what it cost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import altair

from components.charts import BLUE, GREEN, INK, chart_of, escape, svg
from components.page import count, figure, folded, framed, number, pairs

#: Of the artifact ``model_run``.
HISTORY_FILE = "history.json"
WIDTH, HEIGHT = 560, 220


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a training.

    Parameters
    ----------
    directory : path
        Of the ModelRun artifact of a Trainer.

    Raises
    ------
    OSError
        The history cannot be read.
    """
    found = json.loads((Path(directory) / HISTORY_FILE).read_text(encoding="utf-8"))
    members = found.get("members") or [found]
    parameters = found.get("parameters")
    lead = f"{parameters:,} parameters" if parameters else "Trained"
    if len(members) > 1:
        lead += f", {count(len(members), 'member')} whose outputs are added with weights"
    parts = [f"<p>{escape(lead)}, {found['rows']:,} rows.</p>"]
    for place, member in enumerate(members, 1):
        parts += _member(member, f"member {place}" if len(members) > 1 else "")
    return framed(parts)


def _member(found: dict[str, Any], name: str) -> list[str]:
    """Return what is told of one training; `name` tells it from others."""
    epochs = found.get("epochs") or []
    where = f" of {name}" if name else ""
    parts = []
    if epochs:
        told = f"{count(len(epochs), 'epoch')}, the best is number {found['best_epoch'] + 1}."
        parts.append(f"<p>{escape(f'{name}: {told}' if name else told)}</p>")
    if len(epochs) > 1:
        best = found["best_epoch"]
        parts.append(_curve(epochs, "loss", best, where))
        others = [each for each in epochs[0] if f"val_{each}" in epochs[0] and each != "loss"]
        parts += [
            folded(f"Curve of {each}{where}", _curve(epochs, each, best, where)) for each in others
        ]
    parts.append(folded(f"What the training{where} took", _facts(found)))
    return parts


def _curve(epochs: list[dict[str, float]], name: str, best: int, where: str) -> str:
    rows = [
        {"epoch": i + 1, "value": values[key], "split": split}
        for i, values in enumerate(epochs)
        for key, split in ((name, "train"), (f"val_{name}", "eval"))
        if values.get(key) is not None
    ]
    base = chart_of(rows).encode(
        x=altair.X("epoch:Q", axis=altair.Axis(tickMinStep=1, format="d"), title="epoch"),
        y=altair.Y("value:Q", title=name, scale=altair.Scale(zero=False)),
        color=altair.Color(
            "split:N",
            scale=altair.Scale(domain=["train", "eval"], range=[BLUE, GREEN]),
            legend=altair.Legend(title=None),
        ),
    )
    mark = (
        chart_of([{"epoch": best + 1}]).mark_rule(strokeDash=[4, 4], color=INK).encode(x="epoch:Q")
    )
    chart = altair.layer(base.mark_line(), base.mark_point(filled=True, size=24), mark)
    last = epochs[best]
    reached = [
        f"{number(last[key])} on {split}"
        for key, split in ((name, "train"), (f"val_{name}", "eval"))
        if last.get(key) is not None
    ]
    label = f"{name} by epoch{where}; at the best, {' and '.join(reached) or 'undefined'}"
    drawn = svg(chart.properties(width=WIDTH, height=HEIGHT), label)
    return figure(f"Training{where}: {name}", drawn, "The dashed line is the epoch that was kept.")


def _facts(found: dict[str, Any]) -> str:
    told = {
        "strategy": found.get("strategy"),
        "devices": ", ".join(found.get("devices") or ()),
        "seconds": found.get("seconds"),
        "seconds per epoch": found.get("seconds_per_epoch"),
        "examples per second": found.get("examples_per_second"),
        "resumed from epoch": found.get("resumed_from"),
        "restarts": found.get("restarts"),
    }
    return pairs(
        "What it took",
        (
            (name, number(value) if isinstance(value, int | float) else value)
            for name, value in told.items()
            if value not in (None, "")
        ),
    )
