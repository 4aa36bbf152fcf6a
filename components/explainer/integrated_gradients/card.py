"""Integrated gradients for people."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer.explained_images import STYLE, beside_maps, notes
from components.explainer.plots import bars
from components.page import Column, Row, figure, framed, number, table, titled

#: Features that have a bar or a row.
MOST = 20

_BEGINS = {
    "rows": "each of {} rows of the train split, over which the mean is taken",
    "mean": "the mean of the train split",
    "black": "a black image",
}

Described = dict[str, Any]


def section(found: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        What `components.explainer.integrated_gradients.explanation.explain` finds.
    """
    parts = _images(found) if found["kind"] == "images" else _table(found)
    return framed([*parts, _completeness(found), notes(found)], STYLE)


def lines(found: Described) -> list[str]:
    """Return the most important features as a short line of text."""
    if found["kind"] == "images" or not found["importance"]:
        return []
    first = ", ".join(f"{plain(name)} {number(value)}" for name, value in _ranked(found)[:3])
    return [f"integrated gradients: {first}"]


def _ranked(found: Described) -> list[tuple[str, float]]:
    return sorted(found["importance"].items(), key=lambda item: -item[1])


def _begins(found: Described) -> str:
    return _BEGINS[found["baseline"]].format(found["baselines"])


def _images(found: Described) -> list[str]:
    text = (
        "Blue pixels speak for what the model says of an image, red ones against it: their parts "
        f"of the change on the way from {_begins(found)}."
    )
    return [
        titled("Integrated gradients", f"<p>{escape(text)}</p>"),
        beside_maps(found["images"], "integrated gradients"),
    ]


def _table(found: Described) -> list[str]:
    ranked = _ranked(found)[:MOST]
    if not ranked:
        return [titled("Integrated gradients", "")]
    items = [{"name": name, "value": value} for name, value in ranked]
    scale = {"log_odds": " of the log-odds", "probability": " of the probability"}
    of = "" if not found["classified"] else scale[found["link"]]
    label = "; ".join(f"{name}: {number(value)}" for name, value in ranked)
    drawn = bars(items, f"Mean size of the part{of}", label)
    made = [
        figure(
            "Integrated gradients",
            drawn,
            "What falls to each feature of a row is its part of the change on the straight way, "
            f"through the model's own inputs, from {_begins(found)}. Shown is the mean size over "
            f"{found['rows']:,} rows.",
        )
    ]
    outputs = found["outputs"]
    columns = [Column("feature", "name"), *(Column(output, "number") for output in outputs)]
    rows = [
        Row([name, *(number(found["direction"][output][name]) for output in outputs)])
        for name, _ in ranked
    ]
    caption = "Mean part of each feature, with its sign."
    made.append(table("Mean integrated gradients", caption, columns, rows))
    return made


def _completeness(found: Described) -> str:
    complete = found["completeness"]
    if complete["largest"] is None:
        return ""
    least, most = complete["steps"]
    steps = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    text = (
        f"The parts of a row miss the whole change by {complete['mean']:.2%} in the mean and "
        f"{complete['largest']:.2%} at most, with {steps} steps on each way."
    )
    return f'<p class="quiet">{escape(text)}</p>'
