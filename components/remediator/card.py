"""The checks, the remedies and what each changed, as a page for people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import altair

from components.charts import BLUE, GRAY, INK, RED, RIMMED, chart_of, escape, svg
from components.page import (
    Column,
    Row,
    count,
    document,
    figure,
    folded,
    framed,
    number,
    table,
    titled,
)

#: Of the artifact ``remediation``.
REPORT_FILE = "remediation.json"
WIDTH, HEIGHT = 560, 260
#: How near two points lie, across and up, whose names would be in each other's way.
NEAR = (0.35, 0.08)
_DIGITS = "{:.4f}"

Report = dict[str, Any]


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a remediation: see `section`."""
    found = _read(directory)
    return document(_verdict(found), "Remediation", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a remediation, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the ModelAnalysis artifact of a Remediator.

    Returns
    -------
    str
        One ``<section>`` with headings from ``<h2>`` on. It needs no other file and no script.

    Raises
    ------
    OSError
        The artifact's report cannot be read.
    """
    return _section(_read(directory))


def lines(found: Report) -> str:
    """Return what the run's summary says of a remediation."""
    told = [_verdict(found)]
    for each in found["remedies"]:
        check = found["checks"][each["check"]]
        text = (
            f"{each['name']}: {check['title']} {_value(check['value'])} to "
            f"{_value(each['checks'][each['check']]['value'])} (limit {check['limit']:g})"
        )
        metric = found["metric"]
        if metric in each["quality"]:
            before, after = found["quality"][metric], each["quality"][metric]["value"]
            text += f", {metric} {after - before:+.4f}"
        told.append(text + (f"; {count(len(each['worse']), 'figure')} worse" * bool(each["worse"])))
    return "\n".join(told)


def _read(directory: str | os.PathLike[str]) -> Report:
    found: Report = json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8"))
    return found


def _verdict(found: Report) -> str:
    failed, all_checks = found["failed"], len(found["checks"])
    measured = [each for each in found["checks"].values() if each["value"] is not None]
    if not failed:
        if len(measured) < all_checks:
            held = f"{len(measured)} of {count(all_checks, 'check')} could be measured and hold"
            return f"{held}: no remedy was tried."
        hold = "The check holds" if all_checks == 1 else f"All {all_checks} checks hold"
        return f"{hold}: no remedy was tried."
    mended = {each["check"] for each in found["remedies"] if each["checks"][each["check"]]["holds"]}
    fails = f"{len(failed)} of {count(all_checks, 'check')} fail{'s' * (len(failed) == 1)}"
    if not found["remedies"]:
        return f"{fails}; no remedy could be applied."
    if len(failed) == 1:
        return f"{fails}; {'a' if mended else 'no'} remedy brings it within its limit."
    return f"{fails}; for {len(mended)} of them a remedy brings it within its limit."


def _section(found: Report) -> str:
    parts = [
        _headline(found),
        _checks(found),
        _candidates(found),
        *(_picture(found, name) for name in found["failed"]),
        *(_before_and_after(found, each) for each in found["remedies"]),
    ]
    return framed(part for part in parts if part)


def _headline(found: Report) -> str:
    text = f"Measured on {found['rows']:,} rows of the {found['split']} split"
    if found["remedies"]:
        text += (
            " that no remedy has seen. Thresholds and the like were fitted, and the strength of "
            f"each remedy was chosen, on {found['tuning_rows']:,} other rows of it. The candidates "
            "go to the Evaluator, which decides on its own split as for any model"
        )
    parts = [f'<p class="lead">{escape(_verdict(found))}</p><p>{escape(text)}.</p>']
    if found["notes"]:
        items = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
        parts.append(f"<ul>{items}</ul>")
    return "".join(parts)


def _checks(found: Report) -> str:
    columns = [
        Column("check", "name"),
        Column("value", "number"),
        Column("limit", "number"),
        Column("verdict"),
        Column("where", "text"),
    ]
    rows = [
        Row(
            [
                each["title"],
                _value(each["value"]),
                _limit(each),
                {True: "holds", False: "fails", None: "not measured"}[each["holds"]],
                each["detail"],
            ],
            "best" if each["holds"] is False else "",
        )
        for each in (found["checks"][name] for name in found["names"])
    ]
    return titled(
        "The checks", table("Checks", "The Trainer's model; bold is what fails.", columns, rows)
    )


def _candidates(found: Report) -> str:
    if not found["remedies"]:
        return ""
    metric = found["metric"]
    columns = [
        Column("candidate", "name"),
        Column("check that failed"),
        Column("before", "number"),
        Column("after", "number"),
        Column("limit", "number"),
        Column(f"change of {metric}", "number"),
        Column("95 % interval", "number"),
        Column("got worse", "text"),
    ]
    rows = []
    for each in found["remedies"]:
        check, own = found["checks"][each["check"]], each["checks"][each["check"]]
        low, high = each["interval"]
        rows.append(
            Row(
                [
                    each["name"],
                    check["title"],
                    _value(check["value"]),
                    _value(own["value"]),
                    _limit(check),
                    _signed(each["quality"][metric]["value"] - found["quality"][metric]),
                    f"{_signed(low)} to {_signed(high)}",
                    _names(found, each["worse"]) or "nothing",
                ],
                "best" if own["holds"] else "",
            )
        )
    caption = (
        "Each in the strength that kept the limit at the best "
        f"{metric} on the tuning rows, or else came nearest to it. Bold is what brings its check "
        "within the limit. The interval is that of a bootstrap of the rows."
    )
    return titled("The remedies", table("Remedies", caption, columns, rows))


def _picture(found: Report, name: str) -> str:
    """Draw what a failed check cost to mend: its value against the metric of each candidate."""
    check, metric = found["checks"][name], found["metric"]
    rows = [_point("before", check["value"], found["quality"][metric], "before")]
    for each in found["remedies"]:
        value = each["checks"][name]["value"]
        # Those that were tried for other checks are in the tables alone: there may be many.
        if value is not None and each["check"] == name:
            kind = "holds" if each["checks"][name]["holds"] else "fails"
            rows.append(_point(each["remedy"], value, each["quality"][metric]["value"], kind))
    if len(rows) < 2:
        return ""
    shown = [row["value"] for row in rows] + [check["limit"]]
    margin = 0.12 * (max(shown) - min(shown)) or 0.01
    _spread(rows)
    # Room for the names, which stand beside their points.
    left = 4 if any(row["left"] for row in rows) else 1
    scale = altair.Scale(
        domain=[min(shown) - left * margin, max(shown) + 4 * margin], nice=False, zero=False
    )
    base = chart_of(rows).encode(
        x=altair.X("value:Q", scale=scale, title=check["title"]),
        y=altair.Y("metric:Q", scale=altair.Scale(zero=False, padding=14), title=metric),
        color=altair.Color(
            "kind:N",
            scale=altair.Scale(domain=["before", "holds", "fails"], range=[GRAY, BLUE, RED]),
            legend=None,
        ),
    )
    limit = (
        chart_of([{"limit": check["limit"]}])
        .mark_rule(strokeDash=[4, 4], color=INK)
        .encode(x=altair.X("limit:Q", scale=scale))
    )
    points = base.mark_point(filled=True, size=80, opacity=1)
    names = [
        chart_of([row for row in rows if row["left"] == left])
        .mark_text(align="right" if left else "left", dx=-9 if left else 9, color=RIMMED)
        .encode(x=altair.X("value:Q", scale=scale), y="metric:Q", text="name:N")
        for left in (False, True)
    ]
    chart = altair.layer(limit, points, *names).properties(width=WIDTH, height=HEIGHT)
    told = "; ".join(f"{row['name']}: {row['value']:.4g}, {row['metric']:.4g}" for row in rows)
    side = "left" if check["better"] == "lower" else "right"
    return figure(
        f"What it costs: {check['title']}",
        svg(chart, told),
        f"Blue keeps the limit (dashed), red does not; {side} of it is better, and so is "
        f"{'up' if found['metric_rises'] else 'down'}.",
    )


def _point(name: str, value: float, metric: float, kind: str) -> dict[str, Any]:
    return {"name": name, "value": value, "metric": metric, "kind": kind}


def _spread(rows: list[dict[str, Any]]) -> None:
    """Say of each point whether its name stands to its left: where another's is to its right."""
    width, height = (
        max(row[key] for row in rows) - min(row[key] for row in rows) or 1.0
        for key in ("value", "metric")
    )
    for row in rows:
        row["left"] = any(
            0 < other["value"] - row["value"] < NEAR[0] * width
            and abs(other["metric"] - row["metric"]) < NEAR[1] * height
            for other in rows
        )


def _before_and_after(found: Report, each: dict[str, Any]) -> str:
    columns = [
        Column("", "name"),
        Column("limit", "number"),
        Column("before", "number"),
        Column("after", "number"),
        Column("change", "number"),
        Column("verdict"),
        Column("where, after", "text"),
    ]
    rows = []
    for name in found["names"]:
        check, own = found["checks"][name], each["checks"][name]
        told = own["verdict"] or "not measured"
        if own["holds"] is not None and own["holds"] != check["holds"]:
            told += ", now holds" if own["holds"] else ", now fails"
        rows.append(
            _change(
                check["title"], _limit(check), check["value"], own["value"], told, own["detail"]
            )
        )
    for name, measured in each["quality"].items():
        before = found["quality"][name]
        rows.append(_change(name, "", before, measured["value"], measured["verdict"] or "", ""))
    worse = _names(found, each["worse"])
    text = f"Against: {found['checks'][each['check']]['title']}. How: {each['strength']}. "
    text += f"What got worse: {worse}." if worse else "Nothing got worse."
    tried = ""
    if len(each["tried"]) > 1:
        tried = folded(
            f"{len(each['tried'])} strengths were tried, in {each['seconds']:.0f} s",
            table(
                f"Strengths of {each['name']}",
                "On the tuning rows; bold was kept.",
                [
                    Column("strength", "name"),
                    Column(found["checks"][each["check"]]["title"], "number"),
                    Column(found["metric"], "number"),
                ],
                [
                    Row(
                        [one["strength"], _value(one["value"]), _value(one["metric"])],
                        "best" if one["chosen"] else "",
                    )
                    for one in each["tried"]
                ],
            ),
        )
    return titled(
        f"{each['title']}: before and after",
        f"<p>{escape(text)}</p>"
        + table(
            f"Before and after {each['name']}",
            f"remediated/{each['name']}; bold is what got worse.",
            columns,
            rows,
        )
        + tried,
    )


def _change(
    title: str,
    limit: str,
    before: float | None,
    after: float | None,
    told: str,
    detail: str,
) -> Row:
    moved = "" if before is None or after is None else _signed(after - before)
    cells = [title, limit, _value(before), _value(after), moved, told, detail]
    return Row(cells, "best" if told.startswith("worse") else "")


def _names(found: Report, names: list[str]) -> str:
    """Return the titles of checks and metrics."""
    return ", ".join(found["checks"].get(name, {}).get("title", name) for name in names)


def _limit(check: dict[str, Any]) -> str:
    return f"{'≥' if check['better'] == 'higher' else '≤'} {number(check['limit'])}"


def _value(value: float | None) -> str:
    if value is None:
        return ""
    return _DIGITS.format(value) if abs(value) < 100 else number(value)


def _signed(value: float) -> str:
    return f"{value:+.4f}" if abs(value) < 100 else f"{value:+,.0f}"
