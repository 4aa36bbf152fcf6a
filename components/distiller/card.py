"""A distillation as a page for people: what the student costs, and what it has learnt."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import altair

from components.charts import BLUE, GRAY, RED, chart_of, escape, svg
from components.page import (
    Column,
    Row,
    count,
    document,
    figure,
    framed,
    number,
    pairs,
    shown,
    table,
    titled,
)

#: Of the artifact.
REPORT_FILE = "report.json"
#: Models, in order, with their names for people.
MODELS = {"teacher": "teacher", "alone": "student alone", "distilled": "distilled student"}
_COLOURS = {"teacher": GRAY, "student alone": RED, "distilled student": BLUE}
WIDTH, HEIGHT, BAR_HEIGHT = 460, 240, 26

Report = dict[str, Any]


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a distillation: see `section`."""
    found = _read(directory)
    return document(_title(found), "Distillation", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a distillation, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the ModelRun artifact of a Distiller.

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


def _title(found: Report) -> str:
    share = _share(found)
    return f"A student of {share} of the teacher's size"


def _share(found: Report) -> str:
    models = found["models"]
    return f"{models['distilled']['parameters'] / max(models['teacher']['parameters'], 1):.1%}"


def _section(found: Report) -> str:
    parts = [
        _headline(found),
        _comparison(found),
        _figures(found),
        _curves(found),
        _candidates(found),
        _teachers(found),
        _settings(found),
    ]
    return framed(part for part in parts if part)


def _headline(found: Report) -> str:
    recovered, metric = found["recovered"], found["metric"]
    text = f"The student has {_share(found)} of the teacher's parameters"
    if recovered is None:
        text += "; the teacher is no better than the student trained alone."
    else:
        text += f" and closes {recovered:.0%} of the gap in {metric}."
    lost = found["differences"]["teacher"]
    low, high = lost["interval"]
    more = (
        f"Its {metric} less the teacher's is {lost['value']:+.4g} "
        f"(95 % interval from {low:+.4g} to {high:+.4g}, by a bootstrap of the "
        f"{found['rows']['eval']:,} rows of the eval split, by which both trainings also stop)."
    )
    lines = f'<p class="lead">{escape(text)}</p><p>{escape(more)}</p>'
    if found["notes"]:
        items = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
        lines += f"<ul>{items}</ul>"
    return lines


def _comparison(found: Report) -> str:
    metrics = list(found["models"]["teacher"]["metrics"])
    columns = [
        Column("model", "name"),
        *(Column(name, "number") for name in metrics),
        Column("agrees with the teacher", "number"),
        Column("parameters", "number"),
        Column("KB", "number"),
        Column("ms for one row", "number"),
    ]
    rows = []
    for name, title in MODELS.items():
        model = found["models"][name]
        rows.append(
            Row(
                [
                    title,
                    *(f"{model['metrics'][metric]:.5g}" for metric in metrics),
                    f"{model['agreement']:.2%}",
                    number(model["parameters"]),
                    number(model["bytes"] / 1e3),
                    f"{model['latency_ms']:.3g}",
                ],
                {"teacher": "reference", "distilled": "best"}.get(name, ""),  # type: ignore[arg-type]
            )
        )
    caption = (
        "Measured on the eval split. The student alone has the same weights at the start, the same "
        "rows, seed and epochs, and no teacher."
    )
    return titled("Teacher and student", table("Models compared", caption, columns, rows))


def _figures(found: Report) -> str:
    metric = found["metric"]
    rows = [
        {"model": title, "value": found["models"][name]["metrics"][metric]}
        for name, title in MODELS.items()
    ]
    chart = (
        chart_of(rows)
        .mark_point(filled=True, size=110, opacity=1)
        .encode(
            x=altair.X("value:Q", scale=altair.Scale(zero=False, nice=True), title=metric),
            y=altair.Y("model:N", sort=list(MODELS.values()), title=None),
            color=_colour(None, list(MODELS.values())),
        )
        .properties(width=WIDTH, height=BAR_HEIGHT * len(rows))
    )
    direction = "to the right" if found["better"] == "higher" else "to the left"
    label = "; ".join(f"{row['model']}: {row['value']:.5g}" for row in rows)
    return figure(
        "The gap", svg(chart, label), f"The {metric} of the three models; better is {direction}."
    )


def _curves(found: Report) -> str:
    rows = [
        {"model": MODELS[name], "epoch": index + 1, "loss": epoch.get("val_loss")}
        for name, epochs in found["curves"].items()
        for index, epoch in enumerate(epochs)
    ]
    if not rows:
        return ""
    chart = (
        chart_of(rows)
        .mark_line(point={"size": 24})
        .encode(
            x=altair.X("epoch:Q", axis=altair.Axis(tickMinStep=1, format="d")),
            y=altair.Y("loss:Q", scale=altair.Scale(zero=False), title="loss of the labels"),
            color=_colour(altair.Legend(title=None), [MODELS[name] for name in found["curves"]]),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    best = ", ".join(f"{MODELS[name]} {epoch + 1}" for name, epoch in found["best_epochs"].items())
    return figure(
        "The trainings",
        svg(chart, "Loss on the eval split after each epoch, of both students"),
        "The loss of the labels on the eval split after each epoch; kept are the weights with the "
        "least.",
        f"Best epochs: {best}.",
    )


def _colour(legend: altair.Legend | None, titles: list[str]) -> altair.Color:
    return altair.Color(
        "model:N",
        scale=altair.Scale(domain=titles, range=[_COLOURS[title] for title in titles]),
        legend=legend,
    )


def _candidates(found: Report) -> str:
    if not found["candidates"]:
        return ""
    names = _differing([entry["model"] for entry in found["candidates"]])
    columns = [
        *(Column(name, "text") for name in names),
        Column("parameters", "number"),
        Column("loss", "number"),
    ]
    rows = [
        Row(
            [
                *(shown(entry["model"].get(name)) for name in names),
                number(entry["parameters"]),
                f"{entry['loss']:.5g}",
            ],
            "best" if index == 0 else "",
        )
        for index, entry in enumerate(found["candidates"])
    ]
    caption = (
        "The largest student of each shape that the budget allows, taught for a few epochs; the "
        "loss is that of the labels on the eval split."
    )
    return titled("The choice of the student", table("Candidates", caption, columns, rows))


def _differing(models: list[dict[str, Any]]) -> list[str]:
    return [
        name
        for name in models[0]
        if name == "architecture" or any(model.get(name) != models[0][name] for model in models)
    ]


def _teachers(found: Report) -> str:
    if len(found["teachers"]) < 2:
        return ""
    metric = found["metric"]
    columns = [Column("teacher", "name"), Column(metric, "number"), Column("parameters", "number")]
    rows = [
        Row([each["name"], f"{each[metric]:.5g}", number(each["parameters"])])
        for each in found["teachers"]
    ]
    caption = "The student learns from the mean of their outputs."
    return titled("The teachers", table("Teachers", caption, columns, rows))


def _settings(found: Report) -> str:
    settings, rows = found["settings"], found["rows"]
    items = [
        ("loss", settings["loss"]),
        ("temperature", _scheduled(settings["temperature"])),
        ("weight of the teacher", _scheduled(settings["mix"])),
        ("epochs at most", settings["epochs"]),
        ("seed", str(settings["seed"])),
        ("rows", count(rows["train"], "labelled row")),
    ]
    if rows["unlabelled"]:
        items.append(("unlabelled rows", number(rows["unlabelled"])))
    if settings["copies"]:
        items.append(("copies of each image", settings["copies"]))
    for name, value in (settings["hints"] or {}).items():
        items.append((f"hints: {name}", shown(value)))
    student = [(name, shown(value)) for name, value in found["student"].items()]
    return titled(
        "Settings",
        pairs("Of the distillation", items) + pairs("Of the student", student),
    )


def _scheduled(value: dict[str, Any]) -> str:
    if value["schedule"] == "constant":
        return shown(value["start"])
    return f"{shown(value['start'])} to {shown(value['end'])}, {value['schedule']}"
