"""Anchors for people: a table of rules."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer import gallery
from components.page import Column, Row, framed, number, table, titled

Found = dict[str, Any]


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text."""
    held = [each for each in found["rows"] if each["holds"]]
    if not held:
        return []
    best = max(held, key=lambda each: each["coverage"])
    return [
        f"anchors: {plain(_rule(best))} decides {plain(best['decision'])} for "
        f"{best['precision']:.0%} of its rows ({best['coverage']:.0%} of all)"
    ]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        See `components.explainer.anchors.explanation.explain`.
    """
    text = (
        "The shortest rule on a row under which the model nearly always decides as it does, "
        f"whatever the other features are: for at least {found['wanted']:.0%} of the rows drawn."
    )
    if found["tolerance"] is not None:
        text += f" An answer within {number(found['tolerance'])} counts as the same."
    columns = [
        Column("row", "number"),
        Column("decision", "name"),
        Column("if", "wide"),
        Column("precision", "number"),
        Column("at least", "number"),
        Column("rows that fulfil it", "number"),
    ]
    rows = [
        Row(
            [
                each["row"],
                each["decision"],
                _rule(each) + ("" if each["holds"] else " (not precise enough)"),
                f"{each['precision']:.0%}",
                f"{each['low']:.0%}",
                f"{each['coverage']:.1%}",
            ],
            "" if each["holds"] else "reference",
        )
        for each in found["rows"]
    ]
    caption = "Precision among rows drawn at random that fulfil the rule, with its lower bound."
    return framed(
        [
            titled("Anchors", f"<p>{escape(text)}</p>"),
            gallery.notes(found["notes"]),
            table("Anchors", caption, columns, rows) if rows else "",
        ]
    )


def _rule(row: Found) -> str:
    return " and ".join(row["conditions"]) or "always"
