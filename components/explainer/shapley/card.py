"""Shapley values as a section for people: what counts, in which rows, and which pairs."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer.shapley import pictures
from components.page import Column, Row, count, framed, number, scroll, table, titled

#: Pairs that are listed, and characters of a value.
MOST_PAIRS, VALUE_LIMIT = 10, 20
#: Part of the greatest importance up to which one is none.
ROUNDING = 1e-9

#: Pictures stand side by side where there is room.
STYLE = """
.card .pictures{display:grid;gap:1rem 2rem;margin-top:.8rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,32rem),1fr))}
.card .pictures h3{margin-top:.8rem}
"""

Found = dict[str, Any]

METHODS = {
    "exact": "exact, from all coalitions of features",
    "kriging": "estimated by kriging over coalitions",
    "kernel": "estimated by paired KernelSHAP",
    "permutation": "estimated from antithetic permutations",
}


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text.

    Parameters
    ----------
    found : dict
        What `components.explainer.shapley.explanation.explain` finds.
    """
    features = found["features"]
    # What is left of rounding is not worth a word.
    least = ROUNDING * features[0]["importance"]
    first = features[:1] + [each for each in features[1:3] if each["importance"] > least]
    told = ", ".join(f"{plain(each['name'])} {number(each['importance'])}" for each in first)
    return [f"mean |Shapley value|: {told}"]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        What `components.explainer.shapley.explanation.explain` finds.
    """
    parts = [_headline(found), _global(found), _rows(found), _pairs(found)]
    return framed((part for part in parts if part), STYLE)


def _unit(found: Found) -> str:
    return str(found["scale"])


def _headline(found: Found) -> str:
    first = found["features"][0]
    verdict = (
        f"{plain(first['name'])} counts most: it moves the {_unit(found)} by "
        f"{number(first['importance'])} in the mean"
    )
    text = (
        "A Shapley value is what a row's own value of a feature adds to its prediction, instead of "
        "that of a background row, in the mean over all orders in which features may be added. "
        "A row's values sum up to its prediction less the mean prediction of the background."
    )
    more = (
        f"{count(found['rows'], 'row')} against {count(found['background'], 'background row')}, "
        f"{METHODS[found['method']]}: {count(found['coalitions'], 'coalition')} for each row. "
        f"Of {found['asked']:,} mixed rows {found['predicted']:,} differed and were predicted."
    )
    if found["method"] != "exact":
        more += f" Standard error: {found['relative_error']:.2%} of a row's range."
    notes = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
    return (
        f'{titled("Shapley values", "")}<p class="lead">{escape(verdict)}.</p>'
        f'<p>{escape(text)}</p><p class="quiet">{escape(more)}</p>'
        + (f'<ul class="quiet">{notes}</ul>' if notes else "")
    )


def _global(found: Found) -> str:
    features = found["features"]
    told = "; ".join(f"{each['name']} {number(each['importance'])}" for each in features[:10])
    bars = _picture(
        "How much features count",
        "The mean absolute value over the rows, with its 95 % interval."
        + ("" if len(found["outputs"]) == 1 else " Means over all classes."),
        pictures.importance(features, f"mean |Shapley value|, {_unit(found)}", told),
    )
    points = found["points"]
    whose = f" for {points['output']}"
    drawn = pictures.swarm(
        points["features"],
        f"Shapley value{whose}, {_unit(found)}",
        f"Shapley values{whose} of {count(len(points['features'][0]['values']), 'row')}.",
    )
    swarm = _picture(
        "In which direction",
        "Each point is a row; red ones have a high value of the feature, blue ones a low one, gray "
        "ones no number.",
        drawn,
    )
    return titled("All rows", f'<div class="pictures">{bars}{swarm}</div>')


def _picture(title: str, note: str, drawn: str) -> str:
    return (
        f'<figure><h3>{escape(title)}</h3><p class="quiet">{escape(note)}</p>'
        f"{scroll(drawn, title)}</figure>"
    )


def _rows(found: Found) -> str:
    drawn = "".join(_row(found, row) for row in found["shown"])
    if not drawn:
        return ""
    text = (
        "From the mean prediction of the background, the dashed line, to the prediction: what "
        "raises it is red, what lowers it blue."
    )
    return titled("Single rows", f'<p>{escape(text)}</p><div class="pictures">{drawn}</div>')


def _row(found: Found, row: Found) -> str:
    parts = [
        {"text": f"{plain(part['name'])} = {_cells(part['cells'])}", "value": part["value"]}
        for part in row["parts"]
    ]
    rest = parts[pictures.MOST_PARTS :]
    if len(rest) > 1:
        total = sum(part["value"] for part in rest)
        parts = [*parts[: pictures.MOST_PARTS], {"text": f"{len(rest)} others", "value": total}]
    title = (
        f"Row {row['row']:,}: {number(row['prediction'])} instead of {number(row['base'])}"
        f" for {plain(row['output'])}"
    )
    label = "; ".join(f"{part['text']}: {part['value']:+.3g}" for part in parts)
    drawn = pictures.waterfall(row["base"], parts, _unit(found), label)
    return f"<figure><h3>{escape(title)}</h3>{scroll(drawn, title)}</figure>"


def _pairs(found: Found) -> str:
    pairs = found["interactions"]
    if not pairs:
        return ""
    columns = [
        Column("features", "name"),
        Column("strength", "number"),
        *(
            Column(f"mean, {output}" if len(found["outputs"]) > 1 else "mean", "number")
            for output in found["outputs"]
        ),
    ]
    rows = [
        Row([" and ".join(pair["features"]), number(pair["strength"]), *map(number, pair["mean"])])
        for pair in pairs[:MOST_PAIRS]
    ]
    caption = (
        "What a pair does beyond what each does alone (Shapley interaction index): its mean "
        "absolute value over some rows, and its mean, which is 0 where rows differ in its sign."
    )
    return titled("Interactions", table("Interactions", caption, columns, rows))


def _cells(cells: list[Any]) -> str:
    return ", ".join(
        "missing"
        if cell is None
        else plain(cell, VALUE_LIMIT)
        if isinstance(cell, str)
        else number(cell)
        for cell in cells
    )
