"""Sensitivity as a section for people: what predictions depend on, and how stable they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import escape, plain
from components.model_debugger.raw_rows import cell
from components.model_debugger.sensitivity import pictures
from components.page import (
    Column,
    Row,
    count,
    figure,
    folded,
    framed,
    number,
    scroll,
    table,
    titled,
)

#: Responses that are drawn, and columns in the chart of indices.
MOST_RESPONSES, MOST_INDICES = 6, 12

#: Pictures stand side by side where there is room.
STYLE = """
.card .responses{display:grid;gap:1rem 2rem;margin-top:.8rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr))}
"""

Described = dict[str, Any]


def lines(described: Described) -> list[str]:
    """Return the most telling findings as short lines of text.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.sensitivity.section.describe` returns.
    """
    found = [text for text in (_leader(described), _stability(described)) if text]
    if not found:
        return ["sensitivity: nothing was measured"]
    broken = _broken(described)
    return [f"sensitivity: {'; '.join(found)}", *([f"monotonicity: {broken}"] if broken else [])]


def section(described: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.sensitivity.section.describe` returns.
    """
    parts = [
        _headline(described),
        _indices(described),
        _responses(described),
        _monotonic(described),
        _noise(described),
        _images(described),
        _missing(described),
        _rows(described),
    ]
    return framed((part for part in parts if part), STYLE)


def _regression(described: Described) -> bool:
    return bool(described["task"] == "regression")


def _leader(described: Described) -> str:
    """Return what predictions depend on most."""
    sobol, responses = described["sobol"], described["responses"]
    if sobol and sobol["columns"] and sobol["columns"][0]["total"] is not None:
        first = sobol["columns"][0]
        share = min(first["total"], 1.0)
        return (
            f"predictions depend most on {plain(first['column'])} "
            f"({share:.0%} of their variance, interactions included)"
        )
    if responses:
        first = responses[0]
        return (
            f"predictions depend most on {plain(first['column'])} "
            f"(it moves one by {number(first['swing'])} in the mean)"
        )
    return ""


def _changes(described: Described) -> str:
    return "notably change" if _regression(described) else "change class"


def _stability(described: Described) -> str:
    """Return what a little noise does."""
    if described["noise"]:
        # Of the sizes the one in the middle.
        each = described["noise"][len(described["noise"]) // 2]
        return (
            f"with noise of {each['size']:.0%} of each column's spread "
            f"{each['changed']:.1%} of the predictions {_changes(described)}"
        )
    if described["images"]:
        each = max(described["images"], key=lambda image: image["changed"])
        return (
            f"{each['name']} of {each['size']:.0%} makes {each['changed']:.1%} of the predictions "
            f"{_changes(described)}, more than the other changes of pixels"
        )
    return ""


def _broken(described: Described) -> str:
    """Return which declared directions are not obeyed."""
    broken = [each for each in described["monotonic"] if each["violations"]]
    if not broken:
        return ""
    worst = max(broken, key=lambda each: float(each["violations"]))
    more = f", and of {count(len(broken) - 1, 'more column')}" if len(broken) > 1 else ""
    return (
        f"{worst['violations']:.1%} of the rows disobey the declared direction of "
        f"{plain(worst['column'])} ({worst['declared']}){more}"
    )


def _headline(described: Described) -> str:
    found = [text for text in (_leader(described), _stability(described)) if text]
    lead = "; ".join(found) or "nothing was measured"
    if _regression(described):
        text = (
            f"Distances are those of predictions of {described['label']}; a change is notable from "
            f"{number(described['spread'] / 10)} on, a tenth of their standard deviation."
        )
    else:
        text = (
            "Distances are those of probabilities, from 0 to 1 (total variation); a prediction "
            "changes class if another is the most probable."
        )
    broken = _broken(described)
    alarm = f"<p><strong>{escape(broken[:1].upper() + broken[1:])}.</strong></p>" if broken else ""
    text = f"{described['rows']:,} rows are changed, and the model is asked again. {text}"
    notes = "".join(f"<li>{escape(note)}</li>" for note in described["notes"])
    return (
        f'{titled("Sensitivity", "")}<p class="lead">{escape(lead[:1].upper() + lead[1:])}.</p>'
        + f"{alarm}<p>{escape(text)}</p>"
        + (f'<ul class="quiet">{notes}</ul>' if notes else "")
    )


def _indices(described: Described) -> str:
    sobol = described["sobol"]
    if not sobol:
        return ""
    known = [each for each in sobol["columns"] if each["total"] is not None]
    if not known:
        text = "The predictions do not vary with the columns."
        return titled("Parts of the variance", f"<p>{escape(text)}</p>")
    note = (
        "Sobol's indices: the first-order index is the part of the predictions' variance that a "
        "column explains alone, the total index what it has a part in. Lines are 95 % intervals."
    )
    more = (
        "All columns vary at once and independently, each as often as its values come in the data: "
        "rows are asked for that may not exist, where columns go together."
    )
    drawn = pictures.indices(known[:MOST_INDICES], _indices_label(known))
    found = figure("Parts of the variance", drawn, note, more)
    columns = [
        Column("column", "name"),
        Column("first order", "number"),
        Column("95 %"),
        Column("total", "number"),
        Column("95 %"),
    ]
    rows = [
        Row(
            [
                each["column"],
                f"{each['first']:.3f}",
                _interval(each["first_interval"]),
                f"{each['total']:.3f}",
                _interval(each["total_interval"]),
            ]
        )
        for each in known
    ]
    caption = f"Estimated from {sobol['samples']:,} base samples; small ones may lie below 0."
    return found + folded("All indices", table("Sobol indices", caption, columns, rows))


def _indices_label(columns: Sequence[Described]) -> str:
    return "; ".join(
        f"{each['column']}: total {each['total']:.3f}, first order {each['first']:.3f}"
        for each in columns[:MOST_INDICES]
    )


def _interval(ends: Sequence[float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def _responses(described: Described) -> str:
    responses = described["responses"]
    if not responses:
        return ""
    what = described["label"] if _regression(described) else "probability"
    if described["task"] == "binary":
        what = f"P({described['label']} = {described['outputs'][0]})"
    title = plain(what, pictures.NAME_LIMIT)
    drawn = "".join(
        f"<figure><h3>{escape(each['column'])}</h3>"
        + scroll(pictures.response(each, title, _response_label(each)), each["column"])
        + "</figure>"
        for each in responses[:MOST_RESPONSES]
    )
    text = (
        "The mean prediction if all rows had the same value in a column, and were as they are in "
        "all others"
    )
    text += "; 80 % of the rows lie in the grey band." if len(described["outputs"]) == 1 else "."
    columns = [
        Column("column", "name"),
        Column("mean swing", "number"),
        Column("greatest", "number"),
        Column("of row", "number"),
        Column(_share_title(described), "number"),
        Column("lowest mean at"),
        Column("highest mean at"),
        Column("moved by", "number"),
        Column("mean change", "number"),
        Column("mean distance", "number"),
    ]
    rows = [
        Row(
            [
                each["column"],
                number(each["swing"]),
                number(each["greatest"]["swing"]),
                f"{each['greatest']['row']:,}",
                f"{each['changed']:.1%}",
                *_ends(each),
                *_nudges(each["nudges"]),
            ]
        )
        for each in responses
    ]
    caption = (
        "Swing is by how much a row's prediction moves over the values of a column. Beside it, "
        "what it does to move a row's own value by a little, in the column's units."
    )
    return titled(
        "Responses",
        f'<p>{escape(text)}</p><div class="responses">{drawn}</div>'
        + table("Responses to columns", caption, columns, rows),
    )


def _share_title(described: Described) -> str:
    return "notably changed" if _regression(described) else "class changed"


def _first_means(response: Described) -> list[float]:
    means: list[float] = next(iter(response["means"].values()))
    return means


def _ends(response: Described) -> list[str]:
    """Return the values of the lowest and of the highest mean."""
    means = _first_means(response)
    return [
        f"{_step(response, response['steps'][means.index(end)])}: {number(end)}"
        for end in (min(means), max(means))
    ]


def _step(response: Described, step: float | str) -> str:
    return cell(step, time=response["time"])


def _nudges(nudges: Sequence[Described]) -> list[str]:
    if not nudges:
        return [""] * 3
    up = nudges[0]
    return [f"+{number(up['by'])}", number(up["mean"]), number(up["distance"])]


def _response_label(response: Described) -> str:
    return "; ".join(
        f"{_step(response, step)}: {mean:.3g}"
        for step, mean in zip(response["steps"], _first_means(response), strict=True)
    )


def _monotonic(described: Described) -> str:
    found = described["monotonic"]
    if not found:
        return ""
    declared = any(each["declared"] for each in found)
    columns = [
        Column("column", "name"),
        Column("observed"),
        Column("rows that rise", "number"),
        Column("rows that fall", "number"),
        *([Column("declared")] if declared else []),
        *([Column("violations", "number"), Column("greatest violation")] if declared else []),
    ]

    def cells(each: Described) -> list[str]:
        shares = [f"{each['rising']:.1%}", f"{each['falling']:.1%}"]
        known = [each["column"], each["observed"], *shares]
        if not declared:
            return known
        if each["declared"] is None:
            return [*known, "", "", ""]
        broken = f"{each['violations']:.1%}"
        return [*known, each["declared"], broken, _violation(each["greatest"])]

    rows = [Row(cells(each), "best" if each["violations"] else "") for each in found]
    caption = (
        "The share of rows whose prediction rises, or falls, by more than a tenth of its swing as "
        "the column rises. Observed is the direction of 95 % of the rows; none, if it does not "
        "matter to them."
    )
    if declared:
        caption += " A declared direction is violated by any change against it."
    return titled("Monotonicity", table("Monotonicity", caption, columns, rows))


def _violation(greatest: Described | None) -> str:
    if greatest is None:
        return ""
    return (
        f"{number(greatest['size'])} between {cell(greatest['start'])} and "
        f"{cell(greatest['end'])}, row {greatest['row']:,}"
    )


def _noise(described: Described) -> str:
    if not described["noise"]:
        return ""
    columns = [
        Column("noise", "name"),
        Column("mean distance", "number"),
        Column("of 5 % of the rows more than", "number"),
        Column(_share_title(described), "number"),
        Column("in any repeat", "number"),
    ]
    rows = [
        Row(
            [
                f"{each['size']:.3g} of the spread",
                number(each["distance"]),
                number(each["tail"]),
                f"{each['changed']:.1%}",
                f"{each['ever']:.1%}",
            ]
        )
        for each in described["noise"]
    ]
    caption = (
        "All columns are disturbed at once: numbers by normal noise of that part of their standard "
        "deviation, and that part of the categories is drawn anew."
    )
    return titled("Stability", table("Stability under noise", caption, columns, rows))


def _images(described: Described) -> str:
    if not described["images"]:
        return ""
    metric = described["metric"]
    columns = [
        Column("change", "name"),
        Column("size", "number"),
        Column("mean distance", "number"),
        Column(_share_title(described), "number"),
        Column(metric["name"], "number"),
    ]
    rows = [
        Row(
            [
                each["name"],
                f"{each['size']:.3g}",
                number(each["distance"]),
                f"{each['changed']:.1%}",
                _metric(each["metric"]),
            ]
        )
        for each in described["images"]
    ]
    caption = (
        "Sizes are parts of white (noise, brightness), of the contrast, and of the sides (shift, "
        f"by one pixel at least). Without any, {metric['name']} is {_metric(metric['value'])}."
    )
    return titled("Stability", table("Stability of images", caption, columns, rows))


def _missing(described: Described) -> str:
    found, metric = described["missing"], described["metric"]
    if not found:
        return ""
    columns = [
        Column("without", "name"),
        Column("missing already", "number"),
        Column("mean distance", "number"),
        Column("greatest", "number"),
        Column("of row", "number"),
        Column(_share_title(described), "number"),
        Column(metric["name"], "number"),
    ]
    rows = [
        Row(
            [each["column"], f"{each['share']:.1%}", *["not a number"] * 2, "", "", ""]
            if each["distance"] is None
            else [
                each["column"],
                f"{each['share']:.1%}",
                number(each["distance"]),
                number(each["greatest"]["distance"]),
                f"{each['greatest']['row']:,}",
                f"{each['changed']:.1%}",
                _metric(each["metric"]),
            ]
        )
        for each in found
    ]
    caption = (
        f"A column is taken from all rows. With all of them {metric['name']} is "
        f"{_metric(metric['value'])}; of a column that was never missing, the model has not "
        "learned what to do without it."
    )
    return titled("Missing values", table("Missing values", caption, columns, rows))


def _metric(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.5g}"


def _rows(described: Described) -> str:
    found = described["unstable_rows"]
    if not found:
        return ""
    names, time = list(found[0]["columns"]), described["time_column"]
    columns = [
        Column("row", "number"),
        Column("mean distance", "number"),
        Column("prediction", "number" if _regression(described) else "text"),
        *(Column(name) for name in names),
    ]
    rows = [
        Row(
            [
                f"{each['row']:,}",
                number(each["distance"]),
                cell(each["prediction"]),
                *(cell(each["columns"][name], time=name == time) for name in names),
            ]
        )
        for each in found
    ]
    caption = (
        f"The rows whose prediction moves most under noise of {described['noise'][-1]['size']:.3g} "
        "of the spread, by their place in the split from 0."
    )
    return folded("Least stable rows", table("Least stable rows", caption, columns, rows))
