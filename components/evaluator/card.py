"""An evaluation as a page for people: the candidates, the verdict, and where each fails."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import altair

from components.charts import BLUE, GRAY, INK, RED, chart_of, escape, svg
from components.models.candidates import TRAINED
from components.page import Column, Row, count, document, figure, framed, number, table, titled

#: Of the artifact ``evaluation``.
REPORT_FILE = "evaluation.json"
OVERALL = "Overall"
WIDTH, ROW_HEIGHT, SQUARE = 560, 22, 320
#: Metrics that no column of the candidates' table shows: they are the same for all, or none's.
_PLAIN = {"ExampleCount", "MeanLabel"}
#: Slices that are drawn: those on which the model does worst.
SLICES = 25
#: Candidates of which all are drawn, wherever they lie.
FEW = 6
#: Candidates that the run's summary names.
TOLD = 8

Report = dict[str, Any]


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about an evaluation: see `section`."""
    found = _read(directory)
    return document(_verdict(found), "Evaluation", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about an evaluation, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the ModelEvaluation artifact of an Evaluator.

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
    """Return what the run's summary says of an evaluation."""
    metric = found["rule"]["metric"]
    told = []
    for name in _names(found):
        value = _of(found, name, metric)["value"]
        kept = "" if found["candidates"][name]["kept"] else " (breaks a bound)"
        told.append(f"{name} {_value(value)}{kept}")
    more = f" and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return f"{_verdict(found)}\n{metric}: {', '.join(told[:TOLD])}{more}"


def _read(directory: str | os.PathLike[str]) -> Report:
    found: Report = json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8"))
    return found


def _section(found: Report) -> str:
    parts = [
        _headline(found),
        _picture(found),
        _candidates(found),
        _slices(found),
        _worst(found),
        _fairness(found),
        _calibration(found),
        _thresholds(found),
    ]
    return framed(part for part in parts if part)


def _verdict(found: Report) -> str:
    if found["chosen"] is None:
        return "No model is blessed."
    return f"The {found['chosen']} model is blessed."


def _headline(found: Report) -> str:
    rule, metric = found["rule"], found["rule"]["metric"]
    told = {
        "trained": "the Trainer's model, if it keeps every bound",
        "best": f"the best {metric} among the candidates that keep every bound",
        "smallest": f"the fewest bytes among the candidates that keep every bound and are at most "
        f"{rule['tolerance']:g} worse in {metric} than the best",
    }[rule["rule"]]
    text = (
        f"The rule: {told}. Measured on the {found['rows']:,} rows of the {found['split']} split."
    )
    parts = [f'<p class="lead">{escape(_verdict(found))}</p><p>{escape(text)}</p>']
    for items in (found["reasons"], found["notes"]):
        if items:
            parts.append(f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>")
    return "".join(parts)


def _names(found: Report) -> list[str]:
    """Return the candidates in their order."""
    return [name for name in found["names"] if name in found["candidates"]]


def _of(found: Report, model: str, metric: str, where: str = OVERALL) -> dict[str, Any]:
    nothing = {"value": None, "interval": None}
    measured: dict[str, Any] = found["metrics"].get(model, {}).get(where, {}).get(metric, nothing)
    return measured


def _intervals(rows: list[dict[str, Any]], metric: str, label: str, order: list[str]) -> str:
    """Draw values with their intervals, one line each; intervals may end at the border."""
    base = chart_of(rows).encode(
        y=altair.Y("name:N", sort=order, title=None, axis=altair.Axis(labelLimit=260)),
        color=altair.Color(
            "kind:N",
            scale=altair.Scale(domain=["best", "plain", "bad"], range=[BLUE, INK, RED]),
            legend=None,
        ),
    )
    values = [row["value"] for row in rows]
    typical = sorted(row["high"] - row["low"] for row in rows)[len(rows) // 2]
    margin = max(typical, 0.05 * (max(values) - min(values)), 1e-6)
    scale = altair.Scale(domain=[min(values) - margin, max(values) + margin], nice=False)
    bars = base.mark_rule(strokeWidth=2, clip=True).encode(
        x=altair.X("low:Q", scale=scale, title=metric), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=altair.X("value:Q", scale=scale, title=metric)
    )
    chart = (bars + points).properties(width=WIDTH, height=max(80, ROW_HEIGHT * len(rows)))
    return svg(chart, label)


def _row(name: str, measured: dict[str, Any], kind: str) -> dict[str, Any]:
    value = measured["value"]
    low, high = measured["interval"] or (value, value)
    return {"name": name, "value": value, "low": low, "high": high, "kind": kind}


def _picture(found: Report) -> str:
    metric = found["rule"]["metric"]
    rows = []
    for name in found["names"]:
        measured = _of(found, name, metric)
        if measured["value"] is not None:
            kept = found["candidates"].get(name, {"kept": True})["kept"]
            kind = "best" if name == found["chosen"] else "plain" if kept else "bad"
            rows.append(_row(name, measured, kind))
    if len(rows) < 2:
        return ""
    rows, far = _near(rows)
    label = "; ".join(f"{row['name']}: {row['value']:.5g}" for row in rows)
    return figure(
        "The candidates",
        _intervals(rows, metric, label, [row["name"] for row in rows]),
        f"{metric} with its 95 % interval. Blue is blessed, red breaks a bound.",
        "baseline is the last blessed model. " * bool(found.get("baseline"))
        + f"Too far off to be drawn: {', '.join(far)}." * bool(far),
    )


def _near(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows without those that would press all others together, and these told."""
    values = sorted(row["value"] for row in rows)
    quarter, half = values[len(values) // 4], values[len(values) // 2]
    reach = 10 * max(abs(half - quarter), values[-1 - len(values) // 4] - half, 1e-9)
    near = [row for row in rows if abs(row["value"] - half) <= reach or len(rows) < FEW]
    return near, [f"{row['name']} {_value(row['value'])}" for row in rows if row not in near]


def _candidates(found: Report) -> str:
    names = [name for name in found["metrics"][TRAINED].get(OVERALL, {}) if name not in _PLAIN]
    calibration = found["calibration"] or {}
    columns = [
        Column("candidate", "name"),
        Column("bounds"),
        Column("KB", "number"),
        *(Column(name, "number") for name in names),
        *([Column("calibration error", "number")] if calibration else []),
    ]
    rows = []
    for name in _names(found):
        each = found["candidates"][name]
        error = calibration.get(name, {}).get("error")
        rows.append(
            Row(
                [
                    name,
                    "kept" if each["kept"] else f"{len(each['reasons'])} broken",
                    f"{each['bytes'] / 1e3:,.0f}",
                    *(_value(_of(found, name, metric)["value"]) for metric in names),
                    *([_value(error)] if calibration else []),
                ],
                "best" if name == found["chosen"] else "",
            )
        )
    caption = (
        "All are scored on the same rows. KB is the size of all files that would be served, the "
        "preparation of raw columns among them."
    )
    return titled("All metrics", table("Candidates", caption, columns, rows))


def _looked_at(found: Report) -> str:
    return str(found["chosen"] or TRAINED)


def _slices(found: Report) -> str:
    metric, model = found["rule"]["metric"], _looked_at(found)
    measured = {
        each["name"]: _of(found, model, metric, each["name"])
        for each in found["slices"]
        if each["name"] != OVERALL
    }
    rows = [
        _row(name, each, "plain") for name, each in measured.items() if each["value"] is not None
    ]
    if not rows:
        return ""
    lower = metric in ("RootMeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy")
    rows.sort(key=lambda row: -row["value"] if lower else row["value"])
    drawn = [_row(OVERALL, _of(found, model, metric), "best"), *rows[:SLICES]]
    label = "; ".join(f"{row['name']}: {row['value']:.4g}" for row in drawn)
    left = f" The worst {SLICES} of {len(rows)} are shown." if len(rows) > SLICES else ""
    return figure(
        "By slice",
        _intervals(drawn, metric, label, [row["name"] for row in drawn]),
        f"{metric} of the {model} model on each slice, the worst first.{left}",
        "Slices without two classes, or too small to be measured, are left out.",
    )


def _worst(found: Report) -> str:
    searched = found["worst_slices"]
    if searched is None:
        return ""
    parts = []
    for model, each in searched["models"].items():
        metrics = list(each[0]["metrics"]) if each else []
        columns = [
            Column("slice", "name"),
            Column("rows", "number"),
            Column("mean loss", "number"),
            Column("elsewhere", "number"),
            Column("effect size", "number"),
            Column("q value", "number"),
            *(Column(name, "number") for name in metrics),
        ]
        rows = [
            Row(
                [
                    one["name"],
                    f"{one['rows']:,}",
                    _value(one["mean_loss"]),
                    _value(one["rest_loss"]),
                    f"{one['effect_size']:.2f}",
                    f"{one['q_value']:.1g}",
                    *(_value(one["metrics"][name]) for name in metrics),
                ]
            )
            for one in each
        ]
        caption = (
            f"Found among all features for the {model} model, on {searched['rows']:,} rows: where "
            f"its {searched['loss']} is greater than elsewhere, with at most "
            f"{searched['alpha']:.0%} of false finds expected."
        )
        if rows:
            parts.append(table("Worst slices", caption, columns, rows))
        else:
            text = f"The {model} model fails on no slice significantly more than elsewhere."
            parts.append(f"<p>{escape(text)}</p>")
    return titled("Worst slices", "".join(parts))


def _fairness(found: Report) -> str:
    if not found["fairness"]:
        return ""
    parts = []
    for column, by_model in found["fairness"].items():
        gaps = list(next(iter(by_model.values()))["gaps"])
        rows = [
            Row(
                [model, *(_value(each["gaps"][gap]) for gap in gaps)],
                "best" if model == found["chosen"] else "",
            )
            for model, each in ((name, by_model[name]) for name in found["names"])
        ]
        columns = [Column("candidate", "name"), *(Column(_words(gap), "number") for gap in gaps)]
        parts.append(table("Gaps", f"Gaps between the groups of {column}.", columns, rows))
        groups = by_model[_looked_at(found)]["groups"]
        rates = list(next(iter(groups.values())))
        columns = [Column(column, "name"), *(Column(_words(rate), "number") for rate in rates)]
        rows = [
            Row([group, *(_value(each[rate]) for rate in rates)]) for group, each in groups.items()
        ]
        caption = f"Rates of the {_looked_at(found)} model in each group."
        parts.append(table("Groups", caption, columns, rows))
    return titled("Fairness", "".join(parts))


def _calibration(found: Report) -> str:
    if not found["calibration"]:
        return ""
    names = list(dict.fromkeys([_looked_at(found), TRAINED]))
    rows = [
        {"model": name, "score": each["mean_score"], "rate": each["rate"], "rows": each["rows"]}
        for name in names
        for each in found["calibration"].get(name, {}).get("bins", [])
    ]
    if not rows:
        return ""
    high = max(max(row["score"], row["rate"]) for row in rows)
    line = (
        chart_of([{"score": 0, "rate": 0}, {"score": high, "rate": high}])
        .mark_line(color=GRAY, strokeDash=[4, 3])
        .encode(x="score:Q", y="rate:Q")
    )
    drawn = (
        chart_of(rows)
        .mark_line(point=True)
        .encode(
            x=altair.X("score:Q", title="mean score of a bin"),
            y=altair.Y("rate:Q", title="share that is right"),
            color=altair.Color(
                "model:N",
                scale=altair.Scale(domain=names, range=[BLUE, RED][: len(names)]),
                legend=altair.Legend(title=None) if len(names) > 1 else None,
            ),
        )
    )
    label = "; ".join(f"{row['model']} {row['score']:.3f}: {row['rate']:.3f}" for row in rows)
    return figure(
        "Calibration",
        svg((line + drawn).properties(width=SQUARE, height=SQUARE), label),
        "Scores against what came true, in bins of as many rows each. On the dashed line a score "
        "is a probability.",
    )


def _thresholds(found: Report) -> str:
    if not found["thresholds"]:
        return ""
    columns = [
        Column("candidate", "name"),
        Column("metric"),
        Column("slice"),
        Column("bound"),
        Column("limit", "number"),
        Column("value", "number"),
        Column("verdict"),
    ]

    def rows() -> Iterable[Row]:
        for each in found["thresholds"]:
            yield Row(
                [
                    each["model"],
                    each["metric"],
                    each["slice"],
                    _words(each["bound"]),
                    number(each["limit"]),
                    _value(each["value"]),
                    "kept" if each["kept"] else "broken",
                ]
            )

    caption = f"{count(len(found['thresholds']), 'bound')}, each held against each candidate."
    return titled("Thresholds", table("Thresholds", caption, columns, rows()))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
