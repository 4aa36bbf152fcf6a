"""A compression as a page for people: what was tried, what it costs, and what was taken."""

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
    pairs,
    table,
    titled,
)

#: Of the artifact.
REPORT_FILE = "report.json"
#: The TF Lite files of all candidates, by their index in the report.
FILES = "candidates/{}.tflite"
WIDTH, HEIGHT = 560, 320
#: Kinds of points in the picture, with their colours.
_KINDS = {"chosen": BLUE, "on the front": INK, "dominated": GRAY, "breaks the constraint": RED}
#: Slices of the chosen candidate that are listed: those that lose most.
SLICES = 20

Report = dict[str, Any]
Entry = dict[str, Any]


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a compression: see `section`."""
    found = _read(directory)
    return document(_title(found), "Compression", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a compression, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the Candidates artifact of a Compressor.

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


def _read(directory: str | os.PathLike[str]) -> Report:
    found: Report = json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8"))
    return found


def _chosen(found: Report) -> Entry:
    entry: Entry = found["candidates"][found["chosen"]]
    return entry


def _title(found: Report) -> str:
    return f"A model of {_share(found):.0%} of its size"


def _share(found: Report) -> float:
    return float(_chosen(found)["bytes"] / found["candidates"][0]["bytes"])


def _section(found: Report) -> str:
    parts = [
        _headline(found),
        _picture(found),
        _candidates(found),
        _slices(found),
        _exports(found),
        _settings(found),
    ]
    return framed(part for part in parts if part)


def _headline(found: Report) -> str:
    chosen, plain, metric = _chosen(found), found["candidates"][0], found["metric"]
    verdict = "meets the constraint" if found["met"] else "comes nearest to the constraint"
    text = (
        f"{chosen['title']} {verdict}: {_kilobytes(chosen['bytes'])} KB instead of "
        f"{_kilobytes(plain['bytes'])} ({_share(found):.0%}), "
        f"{_microseconds(chosen['median_ms'])} µs for a row instead of "
        f"{_microseconds(plain['median_ms'])}."
    )
    change = -chosen["drop"] if found["better"] == "higher" else chosen["drop"]
    more = (
        f"Its {metric} is {_value(chosen['metrics'][metric])} on the {found['rows']:,} rows of the "
        f"eval split, {change:+.2g} against the model of the {found['source']['name']} "
        f"({_value(found['source']['metric'])}), which takes "
        f"{_microseconds(found['source']['tensorflow_ms'])} µs for a row in TensorFlow. "
        f"The search ended because {found['ended']}."
    )
    lines = f'<p class="lead">{escape(text)}</p><p>{escape(more)}</p>'
    if found["notes"]:
        items = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
        lines += f"<ul>{items}</ul>"
    return lines


def _kind(found: Report, index: int) -> str:
    entry = found["candidates"][index]
    if index == found["chosen"]:
        return "chosen"
    if entry["violations"]:
        return "breaks the constraint"
    return "on the front" if entry["front"] else "dominated"


def _picture(found: Report) -> str:
    metric = found["metric"]
    rows = [
        {
            "kilobytes": entry["bytes"] / 1e3,
            "value": entry["metrics"][metric],
            "kind": _kind(found, index),
            "title": entry["title"],
        }
        for index, entry in enumerate(found["candidates"])
        if entry["metrics"][metric] is not None
    ]
    kinds = [kind for kind in _KINDS if any(row["kind"] == kind for row in rows)]
    base = chart_of(rows).encode(
        x=altair.X(
            "kilobytes:Q",
            scale=altair.Scale(type="log", nice=False, padding=24),
            title="TF Lite file in KB, on a logarithmic scale",
        ),
        y=altair.Y("value:Q", scale=altair.Scale(zero=False, nice=True), title=metric),
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        color=altair.Color(
            "kind:N",
            scale=altair.Scale(domain=kinds, range=[_KINDS[kind] for kind in kinds]),
            legend=altair.Legend(title=None),
        )
    )
    names = (
        base.mark_text(align="left", dx=8, dy=-6, color=RIMMED)
        .encode(text="title:N")
        .transform_filter("datum.kind == 'chosen' || datum.title == 'float32'")
    )
    label = "; ".join(
        f"{row['title']}: {row['kilobytes']:.4g} KB, {row['value']:.5g}" for row in rows
    )
    direction = "higher" if found["better"] == "higher" else "lower"
    return figure(
        "Size against quality",
        svg((points + names).properties(width=WIDTH, height=HEIGHT), label),
        f"Each point is a candidate, measured on the eval split; {direction} is better, and "
        "further left is smaller.",
        "A candidate is on the front if no other is at least as good, as small and as fast.",
    )


def _candidates(found: Report) -> str:
    metric = found["metric"]
    worst = any(entry["worst_slice"] for entry in found["candidates"])
    containers = any(entry["container_bytes"] for entry in found["candidates"])
    columns = [
        Column("candidate", "name"),
        Column("KB", "number"),
        Column("KB, gzip", "number"),
        *([Column("KB, container", "number")] if containers else []),
        Column("µs, median", "number"),
        Column("µs, p95", "number"),
        Column(metric, "number"),
        Column("loses", "number"),
        *([Column("at most", "number"), Column("on the slice")] if worst else []),
        Column("zeros", "number"),
        Column("values", "number"),
        Column("MACs", "number"),
        Column("made in s", "number"),
        Column("breaks"),
    ]
    rows = []
    for index, entry in enumerate(found["candidates"]):
        slices = [f"{entry['slice_drop']:.2g}", entry["worst_slice"]]
        rows.append(
            Row(
                [
                    entry["title"],
                    _kilobytes(entry["bytes"]),
                    _kilobytes(entry["gzip_bytes"]),
                    *([_kilobytes(entry["container_bytes"])] if containers else []),
                    _microseconds(entry["median_ms"]),
                    _microseconds(entry["p95_ms"]),
                    _value(entry["metrics"][metric]),
                    "" if entry["drop"] is None else f"{entry['drop']:.2g}",
                    *((slices if entry["worst_slice"] else ["", ""]) if worst else []),
                    f"{entry['sparsity']:.0%}",
                    number(entry["unique"]),
                    number(entry["macs"]),
                    f"{entry['seconds']:.1f}",
                    ", ".join(entry["violations"]),
                ],
                "best" if index == found["chosen"] else "" if index else "reference",
            )
        )
    caption = (
        "Sizes are those of files. A row is timed in LiteRT, warm, on one thread. Zeros and values "
        "are counted in the file: the share of weights that stand for 0, and the distinct ones "
        "of all matrices. MACs are products with a weight, for one row."
        + (
            " The container is the file of sparse indices, codebooks and arithmetic coding that "
            "the model is rebuilt from."
            if containers
            else ""
        )
    )
    text = titled("Candidates", table("Candidates", caption, columns, rows))
    if found["failures"]:
        items = list(found["failures"].items())
        text += folded(
            f"{count(len(items), 'chain')} left out", pairs("Why there is no candidate", items)
        )
    return text


def _slices(found: Report) -> str:
    chosen, before = _chosen(found), found["source"]["slices"]
    if not chosen["slices"]:
        return ""
    sign = 1 if found["better"] == "higher" else -1
    lost = {name: sign * (before[name] - value) for name, value in chosen["slices"].items()}
    worst = sorted(lost, key=lambda name: -lost[name])[:SLICES]
    columns = [
        Column("slice", "name"),
        Column("before", "number"),
        Column("after", "number"),
        Column("loses", "number"),
    ]
    rows = [
        Row([name, _value(before[name]), _value(chosen["slices"][name]), f"{lost[name]:.2g}"])
        for name in worst
    ]
    caption = f"The {found['metric']} of the chosen candidate where it loses most."
    return titled("By slice", table("Slices", caption, columns, rows))


def _exports(found: Report) -> str:
    if not found["exports"]:
        return ""
    columns = [
        Column("format", "name"),
        Column("file"),
        Column("KB", "number"),
        Column("checked", "wide"),
    ]
    rows = []
    for each in found["exports"]:
        if "skipped" in each:
            rows.append(Row([each["format"], "none", "", each["skipped"]]))
        else:
            rows.append(
                Row([each["title"], each["file"], _kilobytes(each["bytes"]), each["verified"]])
            )
    caption = "The chosen candidate in other formats, in the directory exports of its artifact."
    return titled("Exports", table("Exports", caption, columns, rows))


def _settings(found: Report) -> str:
    limits = [
        (name, f"{value:g}") for name, value in found["constraint"].items() if value is not None
    ]
    return titled("Settings", pairs("The constraint", limits))


def _kilobytes(amount: int | None) -> str:
    return "" if amount is None else f"{amount / 1e3:,.2f}"


def _microseconds(milliseconds: float) -> str:
    return f"{1e3 * milliseconds:,.3g}"


def _value(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.5g}"
