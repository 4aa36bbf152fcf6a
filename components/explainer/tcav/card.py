"""Concept activation vectors for people."""

from __future__ import annotations

from typing import Any

import altair

from components.charts import BLUE, GRAY, INK, chart_of, plain, svg
from components.explainer.explained_images import notes
from components.page import Column, Row, count, figure, framed, number, table, titled

TITLE = "Concepts (TCAV)"
#: Concepts that have a bar; pixels, and characters of a name.
MOST, WIDTH, ROW, NAMES = 20, 420, 26, 44

_MEANING = {
    "pattern": (
        "A point is by how much what the model says would change, in the mean, if the activations "
        "of the layer {} moved from those of other rows to those of the examples."
    ),
    "normal": (
        "A point is the mean derivative of what the model says towards the concept, in the layer "
        "{}."
    ),
}

Described = dict[str, Any]


def section(found: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        What `components.explainer.tcav.explanation.explain` finds.
    """
    if not found["concepts"]:
        return framed([titled(TITLE, "<p>No concept was tested.</p>"), notes(found)])
    return framed([_figure(found), _table(found), notes(found)])


def lines(found: Described) -> list[str]:
    """Return which concepts count, as a short line of text."""
    if not found["concepts"]:
        return []
    counting = [each for each in found["concepts"] if each["found"]]
    if not counting:
        tests = count(len(found["concepts"]), "test")
        return [f"concepts: none stands out from random ones ({tests})"]
    first = "; ".join(_sentence(each) for each in counting[:2])
    return [f"concepts: {first}"]


def _sentence(each: Described) -> str:
    verb = "raises" if each["sensitivity"] > 0 else "lowers"
    return (
        f"{plain(each['concept'])} {verb} {plain(each['output'])} (p = {number(each['adjusted'])})"
    )


def _figure(found: Described) -> str:
    shown = found["concepts"][:MOST]
    rows = [
        {
            "place": f"{place:03d}",
            "name": plain(f"{each['concept']} → {each['output']}", NAMES),
            "value": each["sensitivity"],
            "low": (each["random_sensitivity"] or [0.0])[0],
            "high": (each["random_sensitivity"] or [0.0])[-1],
            "found": str(each["found"]),
        }
        for place, each in enumerate(shown)
    ]
    data = chart_of(rows)
    y = altair.Y("place:N").title(None).axis(None)
    title = "Mean change towards the concept"
    color = altair.Color("found:N").scale(domain=["True", "False"], range=[BLUE, GRAY]).legend(None)
    chart = altair.layer(
        data.mark_bar(color=GRAY, opacity=0.3, height={"band": 0.7}).encode(
            y=y, x=altair.X("low:Q").title(title).axis(tickCount=5), x2="high:Q"
        ),
        data.mark_point(filled=True, size=90, opacity=1).encode(y=y, x="value:Q", color=color),
        data.mark_text(align="right", color=INK).encode(y=y, x=altair.value(-8), text="name:N"),
    ).properties(width=WIDTH, height=ROW * len(rows))
    label = "; ".join(f"{row['name']}: {number(row['value'])}" for row in rows)
    return figure(
        TITLE,
        svg(chart, label),
        f"{_MEANING[found['direction']].format(found['layer'])} Above 0 the concept speaks for the "
        f"output. Bars hold 95 % of {found['random_concepts']:,} random concepts. Blue are those "
        "that stand out.",
        f"That any would by chance has a probability of at most {number(found['alpha'])}.",
    )


def _table(found: Described) -> str:
    rows = [
        Row(
            [
                each["concept"],
                each["output"],
                f"{each['examples']:,}",
                f"{each['accuracy']:.0%}",
                f"{each['score']:.0%}",
                number(each["sensitivity"]),
                number(each["p"]),
                number(each["adjusted"]),
            ],
            "best" if each["found"] else "",
        )
        for each in found["concepts"]
    ]
    columns = [
        Column("concept", "name"),
        Column("output"),
        Column("examples", "number"),
        Column("told apart", "number"),
        Column("TCAV score", "number"),
        Column("mean change", "number"),
        Column("p", "number"),
        Column("adjusted p", "number"),
    ]
    caption = (
        "Told apart: examples and other rows that a linear classifier tells apart. TCAV score: "
        "rows of the class whose value rises towards the concept."
    )
    return table("Concepts", caption, columns, rows)
