"""The attack on raw columns for people."""

from __future__ import annotations

from typing import Any

import altair

from components.charts import BLUE, INK, RAMP, chart_of, escape, svg
from components.page import Column, Row, count, figure, folded, number, table, titled

WIDTH, HEIGHT = 560, 260
#: From here on a number needs no digits after the point.
LARGE = 1e5
KINDS = {
    "number": "number",
    "integer": "whole number",
    "category": "category",
    "one_hot": "group of 0 and 1",
}

Described = dict[str, Any]


def lines(described: Described) -> list[str]:
    """Return the most telling findings as short lines of text."""
    if described["success"] is None or not described["eps"]:
        return ["attack on raw columns: no row was attacked"]
    text = (
        f"attack on raw columns: {described['success']:.1%} {_turned(described)} {_most(described)}"
    )
    top = _top(described)
    if top is not None:
        text += f", most often by {top['name']} ({top['changed']:.0%})"
    return [text]


def parts(described: Described) -> list[str]:
    """Return markup: a headline, the curve, the columns and examples."""
    return [part for part in (f(described) for f in _PARTS) if part]


def _success(described: Described) -> str:
    return f"{described['success']:.1%} {_turned(described)} {_most(described)}"


def _turned(described: Described) -> str:
    if described["task"] == "regression":
        return f"of predictions moved by more than {number(described['change'])}"
    return "of the right rows turned"


def _most(described: Described) -> str:
    return f"within eps {described['eps'][-1]:g} and {count(described['max_columns'], 'column')}"


def _columns_at_most(described: Described) -> str:
    most: int = described["max_columns"]
    return "no more than one column may" if most == 1 else f"up to {most} columns may"


def _spreads(eps: float) -> str:
    return "1 spread of their column" if eps == 1 else f"{eps:g} spreads of their column"


def _top(described: Described) -> Described | None:
    changed = [each for each in described["columns"] if each["changed"]]
    return max(changed, key=lambda each: each["changed"], default=None)


def _headline(described: Described) -> str:
    if described["success"] is None or not described["eps"]:
        return '<p class="lead">No row was attacked.</p>'
    lead = (
        f"{described['success']:.1%} {_turned(described)} when numbers may move by up to "
        f"{_spreads(described['eps'][-1])} and {_columns_at_most(described)} change."
    )
    if described["success"] == 0:
        lead += " That the attack finds nothing does not prove that there is nothing."
    facts = []
    if described["median_columns"] is not None:
        facts.append(
            f"Half of them need {count(round(described['median_columns']), 'column')} at most, and "
            f"a distance of {number(described['median_distance'])}: the sum of the changes of "
            "numbers in spreads, with 1 for each exchanged category."
        )
    top = _top(described)
    if top is not None:
        facts.append(f"In {top['changed']:.0%} of the changed rows {top['name']} is changed.")
    broken = described["violations"]
    facts.append(
        "Every changed row was checked: whole numbers are whole, numbers in their range, texts "
        "known, what is missing is still missing, and the rules of the config are kept."
        if not broken
        else f"The check of the rules failed: {'; '.join(broken)}."
    )
    more = f"{described['method']} {described['queries']:,} rows were scored."
    return (
        f'<p class="lead">{escape(lead)}</p><p>{escape(" ".join(facts))}</p>'
        f'<p class="quiet">{escape(more)}</p>'
    )


def _curve(described: Described) -> str:
    if not described["eps"]:
        return ""
    rows = [
        {"eps": eps, "share": share, "columns": str(index + 1)}
        for eps, shares in zip(described["eps"], described["robust"], strict=True)
        for index, share in enumerate(shares)
    ]
    title = "Share of rows still right"
    if described["task"] == "regression":
        title = "Share of rows that stay"
    last = [str(index + 1) for index in range(described["max_columns"])]
    lines = (
        chart_of(rows)
        .mark_line(point={"size": 50, "filled": True}, strokeWidth=2)
        .encode(
            x=altair.X("eps:Q", title="Largest change of a number, in spreads of its column"),
            y=altair.Y(
                "share:Q",
                title=title,
                scale=altair.Scale(domain=[0, 1]),
                axis=altair.Axis(format="%"),
            ),
            color=altair.Color(
                "columns:N",
                sort=last,
                title="Columns changed at most",
                scale=altair.Scale(domain=last, range=_colours(len(last))),
            ),
        )
    )
    start = chart_of([{"share": described["accuracy"]}])
    rule = start.mark_rule(strokeDash=[4, 4], color=INK).encode(y="share:Q")
    label = "; ".join(
        f"eps {eps:g}: " + ", ".join(f"{share:.1%}" for share in shares)
        for eps, shares in zip(described["eps"], described["robust"], strict=True)
    )
    return figure(
        "Robustness against the budget",
        svg((rule + lines).properties(width=WIDTH, height=HEIGHT), label),
        f"Of {described['rows']:,} rows, without an attack {described['accuracy']:.1%} (dashed). A "
        "spread is the interquartile range, or the standard deviation where that is 0. A category "
        "may take any known value, at every budget.",
    )


def _colours(many: int) -> list[str]:
    if many == 1:
        return [BLUE]
    # From the ramp's start to its end.
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in RAMP]
    mixed = [
        [round(a + (b - a) * i / (many - 1)) for a, b in zip(*ends, strict=True)]
        for i in range(many)
    ]
    return ["#" + "".join(f"{part:02x}" for part in colour) for colour in mixed]


def _columns(described: Described) -> str:
    rows = [
        Row(
            [
                each["name"],
                KINDS[each["kind"]],
                "" if each["spread"] is None else _number(each["spread"]),
                "" if each["low"] is None else f"{_number(each['low'])} to {_number(each['high'])}",
                "" if each["changed"] is None else f"{each['changed']:.1%}",
                "" if each["median_change"] is None else _number(each["median_change"]),
            ]
        )
        for each in sorted(described["columns"], key=lambda each: -(each["changed"] or 0.0))
    ]
    heads = [
        Column("column", "name"),
        Column("kind"),
        Column("one spread", "number"),
        Column("range", "number"),
        Column("changed in", "number"),
        Column("median change", "number"),
    ]
    caption = "Of the rows that were turned; changes in the units of the column."
    fixed = described["fixed"]
    end = (
        f'<p class="quiet">{escape("Never changed: " + ", ".join(fixed) + ".")}</p>'
        if fixed
        else ""
    )
    drawn = table("Changed columns", caption, heads, rows) + end if rows else end
    return titled("Columns that were changed", drawn) if drawn else ""


def _examples(described: Described) -> str:
    if not described["examples"]:
        return ""
    regression = described["task"] == "regression"
    rows = [
        Row(
            [
                f"{each['row']:,}",
                "; ".join(
                    f"{change['column']} {_cell(change['before'])} → {_cell(change['after'])}"
                    for change in each["changes"]
                ),
                f"{_cell(each['before'])} → {_cell(each['after'])}",
                "" if regression else f"{each['score_before']:.3f} → {each['score_after']:.3f}",
            ]
        )
        for each in described["examples"]
    ]
    heads = [
        Column("row of the split", "number"),
        Column("change", "wide"),
        Column("prediction" if regression else "the model says"),
        *([] if regression else [Column("score of the true class", "number")]),
    ]
    if regression:
        rows = [Row(row.cells[:-1]) for row in rows]
    caption = (
        "The least change that was found. One row of each set of changed columns, the most "
        "frequent set first."
    )
    return titled("Examples", table("Changed rows", caption, heads, rows))


def _exact(described: Described) -> str:
    if not described["eps"]:
        return ""
    heads = [Column("eps", "number")] + [
        Column(count(index + 1, "column"), "number") for index in range(described["max_columns"])
    ]
    rows = [
        Row([f"{eps:g}", *(f"{share:.1%}" for share in shares)])
        for eps, shares in zip(described["eps"], described["robust"], strict=True)
    ]
    caption = "Share of rows that stay as they should, by budget and columns changed at most."
    return folded("The curve as numbers", table("Robust share", caption, heads, rows))


_PARTS = (_headline, _curve, _exact, _columns, _examples)


def _cell(value: str | float) -> str:
    return _number(value) if isinstance(value, int | float) else value


def _number(value: float) -> str:
    """Return a number, of a large one all digits before the point: a time in seconds is one."""
    if value == round(value) or abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.5g}"
