"""Counterfactuals for people: what to change of each row."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer import gallery, plots
from components.page import Column, Row, framed, number, scroll, table, titled

#: Features drawn.
MOST_FEATURES = 12

Found = dict[str, Any]


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text."""
    flipped = [each for each in found["rows"] if each["ways"]]
    if not flipped:
        return []
    name, share = next(iter(found["changed"].items()))
    return [
        f"counterfactuals: {len(flipped)} of {len(found['rows'])} rows flip, "
        f"most often by {plain(name)} ({share:.0%})"
    ]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        See `components.explainer.counterfactuals.explanation.explain`.
    """
    text = "The least changes of a row that make the model decide otherwise"
    if found["tolerance"] is None:
        text += "."
    else:
        text += f": that move its answer by more than {number(found['tolerance'])}."
    more = (
        "New values are observed ones. The distance counts 1 for each category exchanged and for "
        "each median absolute deviation of a number. A way is plausible if the rows of the "
        "background are as near to it as they are to nearly all of their own."
    )
    return framed(
        [
            titled("Counterfactuals", f"<p>{escape(text)}</p>"),
            f'<p class="quiet">{escape(more)}</p>',
            gallery.notes(found["notes"]),
            _rows(found),
            _often(found),
        ]
    )


def _rows(found: Found) -> str:
    columns = [
        Column("row", "number"),
        Column("decision", "name"),
        Column("change", "wide"),
        Column("decision then", "name"),
        Column("answer", "number"),
        Column("distance", "number"),
        Column("plausible"),
    ]
    rows = [
        Row(
            [
                each["row"] if first else "",
                each["decision"] if first else "",
                "; ".join(
                    f"{change['feature']}: {change['before']} → {change['after']}"
                    for change in way["changes"]
                ),
                way["decision"],
                f"{number(each['value'])} → {number(way['value'])}",
                number(way["distance"]),
                "yes" if way["plausible"] else "no",
            ],
            "best" if first else "",
        )
        for each in found["rows"]
        for first, way in ((place == 0, way) for place, way in enumerate(each["ways"]))
    ]
    if not rows:
        return ""
    caption = "The best way of each row is bold; further ones change other features."
    return table("Counterfactuals", caption, columns, rows)


def _often(found: Found) -> str:
    items = [
        {"name": name, "value": share} for name, share in found["changed"].items() if share > 0
    ][:MOST_FEATURES]
    if len(items) < 2:
        return ""
    label = "Share of rows whose best way changes a feature"
    drawn = plots.bars(items, "share of rows", f"{label}, most often {items[0]['name']}")
    return f"<figure><h3>{label}</h3>{scroll(drawn, label)}</figure>"
