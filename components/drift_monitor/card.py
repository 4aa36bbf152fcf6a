"""What was seen of later data, as a page for people: metrics over time, alarms and their causes."""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Iterable
from typing import Any

import altair

from components.charts import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    PURPLE,
    RED,
    RIMMED,
    chart_of,
    escape,
    plain,
    svg,
)
from components.drift_monitor import history
from components.models.metric_names import METRIC_NAMES
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
from components.spans import shown

WIDTH, HEIGHT, ROW_HEIGHT = 620, 220, 20
#: Features that are drawn and listed: those that drifted most.
FEATURES = 20
#: Spans that are drawn: the last.
SPANS = 60
CHAMPION = "champion"
#: Of a feature's drift, as -log10 p, beyond which all looks the same.
_MOST_EVIDENCE = 4
_COLOURS = (BLUE, GREEN, PURPLE, GRAY)
#: Metrics by which models are compared, of a regression and of classes.
_COMPARED = ("RootMeanSquaredError", "SparseCategoricalAccuracy", "AUC")
Entry = dict[str, Any]


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a history: see `section`."""
    found = history.load(directory)
    return document(_verdict(found["spans"]), "Monitoring", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a history, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the MonitoringHistory artifact of a DriftMonitor.

    Raises
    ------
    OSError
        The artifact's history cannot be read.
    """
    return _section(history.load(directory))


def lines(spans: list[Entry], touched: list[str], alarms: list[dict[str, Any]]) -> str:
    """Return what the run's summary says of the spans that it watched, given their names."""
    if not spans:
        return "monitoring: no later data yet; what is usual was measured"
    new = [entry for entry in spans if entry["name"] in touched]
    told = []
    for entry in new[-3:]:
        metrics = entry["metrics"].get(CHAMPION, {}).get("overall", {})
        name, value = _first_metric(metrics)
        estimated = entry["estimates"].get(CHAMPION, {})
        if value is None and estimated:
            name, value = _first_metric(estimated)
            name = f"{name} (estimated)"
        measured = "" if value is None else f", {name} {number(value)}"
        moved = _drifted(entry)
        drift = f", {count(len(moved), 'feature')} drifted" if moved else ""
        told.append(f"{_shown(entry)}: {count(entry['rows'], 'row')}{measured}{drift}")
    told += [f"ALARM {_told(alarm)}" for alarm in alarms[:5]]
    if len(alarms) > 5:
        told.append(f"and {len(alarms) - 5} more alarms")
    return "\n".join(told)


def refusal(alarms: list[dict[str, Any]]) -> str:
    """Return why a run with alarms is refused, in one sentence."""
    first, *others = alarms
    more = f" {count(len(others), 'more alarm')} in {history.HISTORY_FILE}." if others else ""
    return f"Drift: {_told(first)}.{more}"


def moment(seconds: float | None) -> str:
    """Return a time for people, in UTC.

    Examples
    --------
    >>> moment(1451606400.0)
    '2016-01-01 00:00'
    """
    if seconds is None:
        return ""
    try:
        return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):  # a number that orders rows, and is no time
        return number(seconds)


def _section(found: dict[str, Any]) -> str:
    spans = found["spans"][-SPANS:]
    parts = [_headline(found), _alarms(found["spans"])]
    if spans:
        parts += [_metrics(spans, found["usual"]), _features(spans), _novelty(spans)]
    parts += [_detectors(found["usual"]), _slices(spans), _notes(spans)]
    return framed(part for part in parts if part)


def _verdict(spans: list[Entry]) -> str:
    if not spans:
        return "No later data have been monitored yet."
    alarms = sum(len(entry["alarms"]) for entry in spans)
    if not alarms:
        return f"No alarm in {count(len(spans), 'span')}."
    hit = sum(bool(entry["alarms"]) for entry in spans)
    return f"{count(alarms, 'alarm')}, in {hit} of {count(len(spans), 'span')}."


def _headline(found: dict[str, Any]) -> str:
    usual, model = found["usual"], found["models"][-1]
    if model["uri"]:
        told = (
            f"Watched: the {model['candidate']} model (artifact {model['id']}), against "
            f"{count(usual['usual']['rows'], 'row')} that it was not trained on."
        )
    else:
        told = "No model is blessed: features alone are watched."
    window = found["window"]
    if window is not None and window["lacking"] is None:
        told += (
            f" After the alarm, {count(window['rows'], 'row')} are there to train anew on, "
            f"{window['since_change']:,} of them since the change"
            + (f" at {moment(window['time'])}." if window["time"] is not None else ".")
        )
    elif window is not None:
        told += f" There is no window to train anew on: {window['lacking']}."
    return (
        f'<p class="lead">{escape(_verdict(found["spans"]))}</p><p class="quiet">{escape(told)}</p>'
    )


def _alarms(spans: list[Entry]) -> str:
    rows = [
        Row(
            [
                _shown(entry),
                moment(alarm["time"]) or _begin(entry),
                _watched(alarm),
                _since(alarm),
                alarm["reason"] + _where(alarm),
            ]
        )
        for entry in reversed(spans)
        for alarm in entry["alarms"]
    ]
    if not rows:
        return ""
    columns = [
        Column("span", "name"),
        Column("time", "number"),
        Column("watched"),
        Column("changed since"),
        Column("evidence", "wide"),
    ]
    return titled("Alarms", table("Alarms", "The newest first; times are UTC.", columns, rows))


def _begin(entry: Entry) -> str:
    if entry["time"] is None:
        return ""
    return f"since {moment(entry['time'][0])[:10]}"


def _watched(alarm: dict[str, Any]) -> str:
    if alarm["detector"] == alarm["kind"]:
        return str(alarm["kind"])
    return f"{alarm['kind']}: {alarm['detector'].replace('_', ' ')}"


def _since(alarm: dict[str, Any]) -> str:
    if alarm["change_row"] is None:
        return ""
    when = moment(alarm.get("change_time"))
    return f"{when} (row {alarm['change_row']:,})" if when else f"row {alarm['change_row']:,}"


def _where(alarm: dict[str, Any]) -> str:
    found = alarm["slice"]
    if found is None:
        return ""
    return f"; errors grew most where {plain(found['column'])} = {plain(found['value'])}"


def _told(alarm: dict[str, Any]) -> str:
    return f"{_without_prefix(alarm['span'])}: {alarm['detector']}, {plain(alarm['reason'])}"


def _metrics(spans: list[Entry], usual: dict[str, Any]) -> str:
    rows = []
    name = None
    for place, entry in enumerate(spans):
        for kind in ("metrics", "estimates"):
            for model, found in entry[kind].items():
                overall = found["overall"] if kind == "metrics" else found
                if name is None:
                    name, _ = _first_metric(overall)
                each = overall.get(name, {"value": None, "interval": None})
                if each["value"] is None:
                    continue
                low, high = each["interval"] or (each["value"], each["value"])
                rows.append(
                    {
                        "place": place,
                        "span": _shown(entry),
                        "model": model,
                        "value": each["value"],
                        "low": low,
                        "high": high,
                        "kind": "measured" if kind == "metrics" else "estimated",
                        "alarm": bool(entry["alarms"]),
                    }
                )
    if not rows or name is None:
        return ""
    models = list(dict.fromkeys(row["model"] for row in rows))
    order = [_shown(entry) for entry in spans]
    x = altair.X("span:N", sort=order, title=None, axis=altair.Axis(labelAngle=-40))
    colour = altair.Color(
        "model:N",
        scale=altair.Scale(domain=models, range=list(_COLOURS[: len(models)])),
        legend=None if len(models) == 1 else altair.Legend(title=None),
    )
    base = chart_of(rows)
    bars = base.mark_rule(strokeWidth=1.5).encode(
        x=x,
        y=altair.Y("low:Q", title=name, scale=altair.Scale(zero=False)),
        y2="high:Q",
        color=colour,
    )
    points = base.mark_point(size=60, filled=True, opacity=1).encode(
        x=x,
        y="value:Q",
        color=colour,
        shape=altair.Shape(
            "kind:N",
            scale=altair.Scale(domain=["measured", "estimated"], range=["circle", "diamond"]),
            legend=altair.Legend(title=None)
            if any(row["kind"] == "estimated" for row in rows)
            else None,
        ),
    )
    line = base.mark_line(strokeWidth=1, opacity=0.5).encode(x=x, y="value:Q", color=colour)
    layers = [bars, line, points]
    marked = [row for row in rows if row["alarm"] and row["model"] == models[0]]
    if marked:
        layers.append(
            chart_of(marked)
            .mark_text(text="alarm", dy=-12, color=RED, fontWeight=600)
            .encode(x=x, y="high:Q")
        )
    reference = usual["usual"]["metrics"].get(CHAMPION, {}).get("overall", {}).get(name)
    note = f"{name} on each span, with 95 % intervals."
    if reference is not None and reference["value"] is not None:
        layers.append(
            chart_of([{"y": reference["value"]}])
            .mark_rule(strokeDash=[4, 4], color=INK)
            .encode(y="y:Q")
        )
        note += f" The dashed line is what was usual: {number(reference['value'])}."
    if any(row["kind"] == "estimated" for row in rows):
        note += " Diamonds are estimates from the model's confidence, where labels are missing."
    chart = altair.layer(*layers).properties(width=max(WIDTH, 24 * len(order)), height=HEIGHT)
    label = f"{name} by span: " + "; ".join(
        f"{row['span']} {number(row['value'])}" for row in rows if row["model"] == models[0]
    )
    return figure("Metrics over time", svg(chart, label), note) + folded(
        "All metrics", _metric_table(spans)
    )


def _metric_table(spans: list[Entry]) -> str:
    names = _ordered({name for e in spans for _, overall, _ in _measured(e) for name in overall})
    columns = [Column("span", "name"), Column("model"), *(Column(n, "number") for n in names)]
    rows = [
        Row([_shown(entry), f"{model}{mark}", *(_value(overall.get(name)) for name in names)])
        for entry in spans
        for model, overall, mark in _measured(entry)
    ]
    return table("All metrics", "Each model on each span.", columns, rows)


def _measured(entry: Entry) -> Iterable[tuple[str, dict[str, Any], str]]:
    for model, found in entry["metrics"].items():
        yield model, found["overall"], ""
    for model, found in entry["estimates"].items():
        yield model, found, " (estimated)"


def _value(found: dict[str, Any] | None) -> str:
    return "" if found is None or found["value"] is None else number(found["value"])


def _first_metric(overall: dict[str, Any]) -> tuple[str | None, float | None]:
    """Return the metric that models of the task are compared by, or the first that has a value."""
    known = _ordered(name for name, found in overall.items() if found["value"] is not None)
    telling = [name for name in known if METRIC_NAMES[name].better is not None]
    first = next((name for name in _COMPARED if name in telling), None)
    name = first or next(iter(telling or known), None)
    return name, None if name is None else overall[name]["value"]


def _ordered(names: Iterable[str]) -> list[str]:
    """Return metrics in the order in which they are always told."""
    places = {name: place for place, name in enumerate(METRIC_NAMES)}
    return sorted(names, key=lambda name: places[name])


def _slices(spans: list[Entry]) -> str:
    """Tell the slices of the last span that has labels."""

    def slices(entry: Entry) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = entry["metrics"].get(CHAMPION, {}).get("slices", [])
        return found

    last = next((entry for entry in reversed(spans) if slices(entry)), None)
    if last is None:
        return ""
    found = slices(last)
    names = [name for name in _ordered(found[0]["metrics"]) if name != "ExampleCount"]
    columns = [Column("slice", "name"), Column("rows", "number")]
    columns += [Column(name, "number") for name in names]
    rows = [
        Row(
            [
                f"{plain(each['column'])} = {plain(each['value'])}",
                f"{each['rows']:,}",
                *(_value(each["metrics"].get(name)) for name in names),
            ]
        )
        for each in found
    ]
    return titled(
        "Slices", table("Slices", f"Of {_shown(last)}, the last with labels.", columns, rows)
    )


def _novelty(spans: list[Entry]) -> str:
    watched = [entry for entry in spans if entry["novelty"] is not None]
    if not watched:
        return ""
    kinds = ("known", "extension", "drift", "novel", "unknown")
    columns = [Column("span", "name"), *(Column(kind, "number") for kind in kinds)]
    columns.append(Column("largest new group", "wide"))
    rows = []
    for entry in watched:
        found = entry["novelty"]
        largest = ""
        if found["groups"]:
            group = found["groups"][0]
            far = ", ".join(plain(each["feature"]) for each in group["farthest"])
            largest = f"{count(group['rows'], 'row')}, told apart by {far}"
        shares = (f"{found['shares'][kind]:.1%}" for kind in kinds)
        rows.append(Row([_shown(entry), *shares, largest]))
    caption = f"Shares of the rows, by {watched[-1]['novelty']['method']}."
    return titled("Novelty", table("Novelty", caption, columns, rows))


def _detectors(usual: dict[str, Any]) -> str:
    rates = usual["false_alarms"]
    if not rates:
        return ""
    columns = [
        Column("detector", "name"),
        Column("false alarms in 100,000 rows", "number"),
        Column("its alarms"),
    ]
    rows = [
        Row(
            [
                name,
                f"{rate['per_100_000']:.1f} ± {rate['standard_error']:.1f}",
                "count" if name in usual["counted"] else "are noted only: over the budget",
            ]
        )
        for name, rate in rates.items()
    ]
    total = sum(rates[name]["per_100_000"] for name in usual["counted"])
    caption = (
        f"Simulated on streams like the reference. Those that count give {total:.1f} together."
    )
    return titled("Detectors of errors", table("Detectors", caption, columns, rows))


def _notes(spans: list[Entry]) -> str:
    told: dict[str, list[str]] = {}
    for entry in spans:
        for note in entry["notes"]:
            told.setdefault(note, []).append(_shown(entry))
    if not told:
        return ""
    items = "".join(
        f"<li>{escape(', '.join(names) if len(names) < 4 else count(len(names), 'span'))}: "
        f"{escape(note)}</li>"
        for note, names in told.items()
    )
    return titled("Notes", f"<ul>{items}</ul>")


def _shown(entry: Entry) -> str:
    return _without_prefix(entry["name"])


def _without_prefix(name: str) -> str:
    return plain(shown(name))


def _drifted(entry: Entry) -> list[str]:
    """Return the features and predictions that drifted, the most severe first."""
    found = entry["features"]
    if found is None:
        return []
    return [each["name"] for each in _compared(entry) if each["drifted"]]


def _compared(entry: Entry) -> list[dict[str, Any]]:
    found = entry["features"]
    return [] if found is None else [*found["predictions"], *found["features"]]


def _features(spans: list[Entry]) -> str:
    watched = [entry for entry in spans if entry["features"] is not None]
    if not watched:
        return ""
    worst: dict[str, float] = {}
    for entry in watched:
        for each in _compared(entry):
            worst[each["name"]] = max(worst.get(each["name"], 0.0), _evidence(each))
    names = sorted(worst, key=lambda name: -worst[name])[:FEATURES]
    cells = [
        {
            "span": _shown(entry),
            "feature": each["name"],
            "evidence": _evidence(each),
            "mark": "drift" if each["drifted"] else "",
        }
        for entry in watched
        for each in _compared(entry)
        if each["name"] in names
    ]
    order = [_shown(entry) for entry in watched]
    x = altair.X("span:N", sort=order, title=None, axis=altair.Axis(labelAngle=-40))
    y = altair.Y("feature:N", sort=names, title=None)
    base = chart_of(cells)
    squares = base.mark_rect(color=BLUE).encode(
        x=x,
        y=y,
        opacity=altair.Opacity(
            "evidence:Q",
            scale=altair.Scale(domain=[0, _MOST_EVIDENCE], range=[0.04, 0.85]),
            legend=altair.Legend(title="-log10 p", values=list(range(_MOST_EVIDENCE + 1))),
        ),
    )
    words = base.mark_text(color=RIMMED, fontWeight=600).encode(x=x, y=y, text="mark:N")
    chart = altair.layer(squares, words).properties(
        width=max(52 * len(order), 160), height=ROW_HEIGHT * len(names)
    )
    drifted = sum(bool(_drifted(entry)) for entry in watched)
    label = f"Drift of {count(len(names), 'feature')} by span; in {drifted} of them some drifted."
    config = watched[-1]["features"]
    note = (
        "How far the features and predictions of each span are from those of training. Drift is "
        f"what is significant at {config['alpha']:g}, all tests of a span together "
        f"({config['correction'].replace('_', '-')}), and not small."
    )
    hidden = len(worst) - len(names)
    more = f"{count(hidden, 'feature')} that moved less are left out." if hidden else ""
    return figure("Features", svg(chart, label), note, more) + _moved(watched) + _hellinger(watched)


def _hellinger(watched: list[Entry]) -> str:
    """Tell how far all features together are from those of training, in the mean."""
    rows = [
        Row(
            [
                _shown(entry),
                number(found["distance"]),
                "" if found["threshold"] is None else number(found["threshold"]),
                "drift" if found["drift"] else "",
            ]
        )
        for entry in watched
        if (found := entry.get("hellinger")) is not None and found["distance"] is not None
    ]
    columns = [
        Column("span", "name"),
        Column("distance", "number"),
        Column("change allowed", "number"),
        Column("HDDDM"),
    ]
    caption = (
        "Hellinger distance of all features from training, or from the last drift. HDDDM's bound "
        "on how much it may change keeps no level, so that it gives no alarm."
    )
    return folded("Distance by span", table("Distance by span", caption, columns, rows))


def _evidence(each: dict[str, Any]) -> float:
    """Return -log10 of the smallest p value of a feature's tests; 0 where none was made."""
    p_values = [m["adjusted_p_value"] for m in each["measures"].values()]
    least = min((p for p in p_values if p is not None), default=1.0)
    return min(-math.log10(max(least, 1e-300)), float(_MOST_EVIDENCE))


def _moved(watched: list[Entry]) -> str:
    """Tell what moved in the last span in which something did."""
    entry = next((entry for entry in reversed(watched) if _drifted(entry)), None)
    if entry is None:
        return ""
    rows = []
    for each in (each for each in _compared(entry) if each["drifted"]):
        moved = each["moved"]
        mean = moved.get("mean") or {"before": None, "after": None}
        p_value = min(m["adjusted_p_value"] for m in each["measures"].values() if m["drifted"])
        rows.append(
            Row(
                [
                    plain(each["name"]),
                    f"{plain(moved['cell'])}: {moved['before']:.1%} to {moved['after']:.1%}",
                    _change(mean),
                    f"{moved['missing']['before']:.1%} to {moved['missing']['after']:.1%}",
                    ", ".join(plain(value["value"]) for value in each["new_values"][:5]),
                    f"{p_value:.2g}",
                ]
            )
        )
    columns = [
        Column("feature", "name"),
        Column("share that moved most", "wide"),
        Column("mean"),
        Column("missing"),
        Column("new values"),
        Column("p", "number"),
    ]
    if not rows:
        return ""
    caption = f"What drifted in {_shown(entry)}; p values are corrected for the number of tests."
    return table("Drifted features", caption, columns, rows)


def _change(mean: dict[str, Any]) -> str:
    if mean["before"] is None or mean["after"] is None:
        return ""
    return f"{number(mean['before'])} to {number(mean['after'])}"
