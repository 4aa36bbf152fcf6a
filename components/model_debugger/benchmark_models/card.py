"""The benchmark models as a table and a picture of what quality costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import altair

from components.charts import BLUE, GRAY, RED, RIMMED, chart_of, escape, svg
from components.model_debugger.benchmark_models.config import title
from components.page import Column, Row, count, figure, folded, framed, table, titled

WIDTH, HEIGHT = 560, 320
#: The title of the model that is looked into.
THE_MODEL = "the model"

Described = dict[str, Any]

#: Whether the model earns its cost, by the verdict's outcome.
ANSWERS = {
    "better": "The model earns its cost",
    "equal": "It is not certain that the model earns its cost",
    "worse": "The model does not earn its cost",
}


def section(described: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.benchmark_models.section.describe` returns.
    """
    parts = [_headline(described), _picture(described), _table(described)]
    return framed(part for part in parts if part)


def lines(described: Described) -> list[str]:
    """Return what is most telling of the same, in one or two lines of plain text."""
    return [text for text in (_answer(described), _enough(described)) if text]


def _quality(described: Described, model: Described) -> float | None:
    value: float | None = model["metrics"][described["metric"]]
    return value


def _best(described: Described) -> Described | None:
    sign = 1 if described["better"] == "higher" else -1
    known = [each for each in described["models"] if _quality(described, each) is not None]
    return max(known, key=lambda each: sign * each["metrics"][described["metric"]], default=None)


def _answer(described: Described) -> str:
    """Say whether the model earns its cost, or else which simple model is the best."""
    metric, verdict = described["metric"], described["verdict"]
    best = _named(described, verdict["best"]) if verdict else _best(described)
    if best is None:
        return "None of the benchmark models has a metric."
    found = f"{title(best['name'])} {_value(_quality(described, best))}"
    if verdict is None:
        models = count(len(described["models"]), "benchmark model")
        return f"The best of {models} in {metric}: {found}."
    own = _value(_quality(described, described["model"]))
    return (
        f"{ANSWERS[verdict['outcome']]}: {metric} {own}, and of the best benchmark model, "
        f"{found}. The difference is "
        f"{best['lead']['value']:+.3g} (95 % interval {_range(best['lead']['interval'])})."
    )


def _enough(described: Described) -> str:
    """Name the smallest model that is not certainly worse, if there is one."""
    verdict = described["verdict"]
    if verdict is None or verdict["enough"] is None:
        return ""
    enough = _named(described, verdict["enough"])
    return (
        f"The smallest that it is not certainly better than: {title(enough['name'])}, "
        f"{enough['bytes']:,} bytes against {described['model']['bytes']:,}."
    )


def _named(described: Described, name: str) -> Described:
    return next(model for model in described["models"] if model["name"] == name)


def _headline(described: Described) -> str:
    text = (
        f"Trained on the same features, up to {described['rows']:,} rows, and measured on the "
        f"{described['validation_rows']:,} rows of the eval split, by which the model was trained "
        "and some of these chose their size, too. The Evaluator scores all on its own split."
    )
    lead, *more = lines(described)
    items = "".join(f"<li>{escape(note)}</li>" for note in described["notes"])
    return (
        f'{titled("Benchmark models", "")}<p class="lead">{escape(lead)}</p>'
        + "".join(f"<p>{escape(line)}</p>" for line in (*more, text))
        + (f"<ul>{items}</ul>" if items else "")
    )


def _rows(described: Described) -> list[tuple[str, Described]]:
    """Return the model, if it was measured, and the benchmark models, by their titles."""
    model = [(THE_MODEL, described["model"])] if described["model"] else []
    return model + [(title(each["name"]), each) for each in described["models"]]


def _picture(described: Described) -> str:
    metric, best = described["metric"], _best(described)
    rows = [
        {
            "bytes": max(model["bytes"], 1),
            "value": _quality(described, model),
            "title": name,
            "kind": "model" if name == THE_MODEL else "best" if model is best else "other",
        }
        for name, model in _rows(described)
        # Far from all others, it would press them into one line.
        if _quality(described, model) is not None and model.get("name") != "majority"
    ]
    if not rows:
        return ""
    for row in rows:  # so that no name lies on its neighbour's point
        others = [each for each in rows if each is not row]
        nearest = min(others, key=lambda each: abs(log(each["bytes"] / row["bytes"])), default=row)
        row["above"] = row["value"] >= nearest["value"]
    base = chart_of(rows).encode(
        x=altair.X(
            "bytes:Q",
            scale=altair.Scale(type="log", nice=False, padding=48),
            title="Bytes of its numbers, on a logarithmic scale",
        ),
        y=altair.Y("value:Q", scale=altair.Scale(zero=False, nice=True, padding=16), title=metric),
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        color=altair.Color(
            "kind:N",
            scale=altair.Scale(domain=["model", "best", "other"], range=[RED, BLUE, GRAY]),
            legend=None,
        )
    )
    above, below = (
        base.mark_text(align="center", dy=shift, color=RIMMED)
        .encode(text="title:N")
        .transform_filter(f"datum.above == {side}")
        for shift, side in ((-12, "true"), (14, "false"))
    )
    label = "; ".join(f"{row['title']}: {row['bytes']:,} bytes, {row['value']:.5g}" for row in rows)
    direction = "Higher" if described["better"] == "higher" else "Lower"
    return figure(
        "Quality against cost",
        svg((points + above + below).properties(width=WIDTH, height=HEIGHT), label),
        f"Each point is a model. {direction} is better, and further left is smaller.",
        "The red one is the model that is looked into." * bool(described["model"])
        + " The majority is left out of the picture.",
    )


def _table(described: Described) -> str:
    if not described["models"]:
        return ""
    names = list(described["models"][0]["metrics"])
    columns = [
        Column("model", "name"),
        *(Column(name, "number") for name in names),
        Column("numbers", "number"),
        Column("bytes", "number"),
        Column("µs for a row", "number"),
        Column("the model's lead", "number"),
        Column("fitted in s", "number"),
        Column("on rows", "number"),
    ]
    best = _best(described)
    rows = [
        Row(
            [
                name,
                *(_value(model["metrics"][name]) for name in names),
                f"{model['parameters']:,}",
                f"{model['bytes']:,}",
                f"{model['row_us']:.3g}",
                *_training(model),
            ],
            "best" if model is best else "reference" if name == THE_MODEL else "",
        )
        for name, model in _rows(described)
    ]
    caption = (
        "Rows are predicted in batches. The model's lead is its metric less that of the row, with "
        "its 95 % interval by a bootstrap of the rows. Numbers, also ranks (:cdf), are in standard "
        "deviations from the mean."
    )
    return titled("Models", table("Benchmark models", caption, columns, rows) + _learned(described))


def _learned(described: Described) -> str:
    parts = []
    for each in described["models"]:
        items = "".join(f"<li>{escape(text)}</li>" for text in each["learned"])
        if items:
            name = title(each["name"])
            parts.append(folded(f"What {name} learned", f"<ul>{items}</ul>"))
    return "".join(parts)


def _training(model: Described) -> list[str]:
    """Return the cells of a benchmark model alone."""
    if "learned" not in model:
        return ["", "", ""]
    lead = model["lead"]
    return [
        "" if lead is None else f"{lead['value']:+.3g} ({_range(lead['interval'])})",
        f"{model['seconds']:.2f}",
        f"{model['rows']:,}",
    ]


def _range(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{low:+.3g} to {high:+.3g}"


def _value(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.5g}"
