"""Permutation importance as a section for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import BLUE, GREEN, INK, chart_of, escape, plain, svg
from components.page import Column, Row, count, folded, framed, number, scroll, table, titled

#: Pixels of the chart, of the names beside it, and of a feature.
WIDTH, NAMES, BAR = 460, 190, 26
NAME_LIMIT = 24
#: Features that are drawn, the others are in the table.
MOST_BARS = 20

Found = dict[str, Any]

WAYS = {"marginal": "among all rows", "conditional": "among rows that are alike"}


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text.

    Parameters
    ----------
    found : dict
        What `components.explainer.permutation_importance.explanation.explain` finds.
    """
    first = found["features"][:3]
    told = ", ".join(f"{plain(each['name'])} {number(each['importance'])}" for each in first)
    return [f"loss of {found['metric']} by permutation: {told}"]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        What `components.explainer.permutation_importance.explanation.explain` finds.
    """
    first = found["features"][0]
    verdict = (
        f"{plain(first['name'])} counts most: without it {found['metric']} is "
        f"{number(first['importance'])} worse than {number(found['quality'])}"
    )
    text = (
        "Each feature in turn is given the values of other rows, so that it says nothing of the "
        f"label any more. What {found['metric']} loses by that is its importance."
    )
    more = (
        f"{count(found['rows'], 'row')}, permuted {found['repeats']} times; lines are intervals of "
        "95 % of the mean over permutations of these rows."
    )
    if found["conditional"]:
        more += (
            " Green: permuted only among rows that are alike in the other features, which leaves "
            "what a feature tells beyond these."
        )
    notes = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
    head = (
        f'{titled("Permutation importance", "")}<p class="lead">{escape(verdict)}.</p>'
        f'<p>{escape(text)}</p><p class="quiet">{escape(more)}</p>'
        + (f'<ul class="quiet">{notes}</ul>' if notes else "")
    )
    drawn = scroll(picture(found), "Permutation importance")
    return framed([head, f"<figure>{drawn}</figure>", folded("All features", _table(found))])


def picture(found: Found) -> str:
    """Return a bar for each feature and way of permuting, with its interval."""
    import altair as alt

    shown = [each["name"] for each in found["features"][:MOST_BARS]]
    rows = []
    for way, described in _ways(found):
        places = {each["name"]: each for each in described}
        for place, name in enumerate(shown):
            each = places.get(name)
            if each is None:
                continue
            value = each["importance"]
            low, high = (value if each[end] is None else each[end] for end in ("low", "high"))
            rows.append(
                {
                    "place": f"{place:03d}",
                    "name": plain(name, NAME_LIMIT),
                    "way": way,
                    "value": value,
                    "low": low,
                    "high": high,
                }
            )
    data = chart_of(rows)
    ways = [way for way, _ in _ways(found)]
    # The place, not the name, tells features apart: two shortened names may be equal.
    y = alt.Y("place:N").title(None).axis(None)
    offset = alt.YOffset("way:N").scale(domain=ways)
    color = alt.Color("way:N").scale(domain=["marginal", "conditional"], range=[BLUE, GREEN])
    x = alt.X("value:Q").title(f"loss of {found['metric']}").axis(tickCount=6)
    chart = alt.layer(
        data.mark_bar(opacity=0.8).encode(y=y, yOffset=offset, x=x, color=color.legend(None)),
        data.mark_rule(color=INK, strokeWidth=1.5).encode(
            y=y, yOffset=offset, x=alt.X("low:Q"), x2="high:Q"
        ),
        chart_of([{"x": 0.0}]).mark_rule(color=INK, opacity=0.6).encode(x="x:Q"),
        data.transform_filter("datum.way === 'marginal'")
        .mark_text(align="right", color=INK, limit=NAMES)
        .encode(y=y, x=alt.value(-8), text="name:N"),
    ).properties(width=WIDTH, height=(BAR if len(ways) == 1 else 2 * BAR - 16) * len(shown))
    label = "; ".join(
        f"{each['name']} {number(each['importance'])}" for each in found["features"][:10]
    )
    return svg(chart, label)


def _ways(found: Found) -> Sequence[tuple[str, list[Found]]]:
    ways = [("marginal", found["features"])]
    return [*ways, ("conditional", found["conditional"])] if found["conditional"] else ways


def _table(found: Found) -> str:
    ways = _ways(found)
    columns = [Column("feature", "name")]
    for way, _ in ways:
        columns += [Column(WAYS[way], "number"), Column("interval of 95 %", "number")]
    others = [{each["name"]: each for each in described} for _, described in ways]
    rows = []
    for each in found["features"]:
        cells: list[str] = [each["name"]]
        for known in others:
            cells += _cells(known.get(each["name"]))
        rows.append(Row(cells))
    caption = f"What {found['metric']} loses if a feature is permuted."
    return table("Permutation importance", caption, columns, rows)


def _cells(each: Found | None) -> list[str]:
    if each is None:
        return ["not measured", ""]
    if each["low"] is None:
        return [number(each["importance"]), "one permutation only"]
    return [number(each["importance"]), f"{number(each['low'])} to {number(each['high'])}"]
