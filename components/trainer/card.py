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
    epochs = found.get("epochs") or []
    lead = f"{count(found['parameters'], 'parameter')}" if found.get("parameters") else "Trained"
    if epochs:
        lead += f", {count(len(epochs), 'epoch')}, the best is number {found['best_epoch'] + 1}"
    parts = [f"<p>{escape(lead)}.</p>"]
    if len(epochs) > 1:
        parts.append(_curve(epochs, "loss", found["best_epoch"]))
        others = [name for name in epochs[0] if f"val_{name}" in epochs[0] and name != "loss"]
        parts += [
            folded(f"Curve of {name}", _curve(epochs, name, found["best_epoch"])) for name in others
        ]
    parts.append(folded("What it took", _facts(found)))
    return framed(parts)


def _curve(epochs: list[dict[str, float]], name: str, best: int) -> str:
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
    label = f"{name} by epoch; at the best, {number(last[name])} on train"
    if last.get(f"val_{name}") is not None:
        label += f" and {number(last[f'val_{name}'])} on eval"
    drawn = svg(chart.properties(width=WIDTH, height=HEIGHT), label)
    return figure(f"Training: {name}", drawn, "The dashed line is the epoch that was kept.")


def _facts(found: dict[str, Any]) -> str:
    told = {
        "strategy": found.get("strategy"),
        "devices": ", ".join(found.get("devices") or ()),
        "seconds": found.get("seconds"),
        "seconds per epoch": found.get("seconds_per_epoch"),
        "examples per second": found.get("examples_per_second"),
        "rows": found.get("rows"),
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
