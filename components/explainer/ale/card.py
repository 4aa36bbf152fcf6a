"""Accumulated local effects for people: a curve for each feature, and maps of pairs."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer import gallery, plots
from components.page import framed, number, titled

#: Features that are drawn, and outputs of each.
MOST_FEATURES, MOST_OUTPUTS = 10, 5

Found = dict[str, Any]


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text."""
    if not found["features"]:
        return []
    first = found["features"][0]
    return [f"local effects: most of {plain(first['name'])}, {_course(first)}"]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        See `components.explainer.ale.explanation.explain`.
    """
    text = (
        "How far above or below its mean the model's answer is for each value of a feature. The "
        f"effects are those of moving each of {found['rows']:,} rows to the neighbouring values "
        "only, added up, so that features that go together do not stand in for each other."
    )
    if any(feature["low"] for feature in found["features"]):
        text += f" Bands hold the effect with {found['confidence']:.0%} confidence."
    if len(found["features"]) > MOST_FEATURES:
        text += (
            f" The {MOST_FEATURES} features of {len(found['features'])} with the greatest effects "
            "are drawn; all are in the table."
        )
    return framed(
        [
            titled("Accumulated local effects", f"<p>{escape(text)}</p>"),
            gallery.notes(found["notes"]),
            gallery.many(
                [_profile(found, each) for each in found["features"][:MOST_FEATURES]],
                "more features",
            ),
            _pairs(found),
        ],
        gallery.STYLE,
    )


def _course(feature: Found) -> str:
    values = feature["effect"][feature["output"]]
    low, high = values.index(min(values)), values.index(max(values))
    return (
        f"{_signed(values[low])} at {plain(feature['labels'][low])} to {_signed(values[high])} at "
        f"{plain(feature['labels'][high])}"
    )


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def _profile(found: Found, feature: Found) -> str:
    outputs, main = found["answers"], feature["output"]
    # The output that varies most is first, and has the band.
    order = [main, *(place for place in range(len(outputs)) if place != main)][:MOST_OUTPUTS]
    series = [
        {
            "name": outputs[place],
            "values": feature["effect"][place],
            "low": feature["low"] if place == main else None,
            "high": feature["high"] if place == main else None,
        }
        for place in order
    ]
    text = f"{_course(feature)}."
    if not feature["numeric"]:
        text += " Categories are in an order of likeness."
    drawn = plots.profile(
        feature["grid"],
        None if feature["numeric"] else feature["labels"],
        series,
        x_title=feature["name"],
        y_title=f"effect on {outputs[main]}",
        label=f"Accumulated local effects of {feature['name']}: {_course(feature)}",
        marks=feature["grid"] if feature["numeric"] else (),
    )
    return gallery.picture(feature["name"], text, drawn)


def _pairs(found: Found) -> str:
    if not found["pairs"]:
        return ""
    text = (
        "What two numbers do together beyond what each does. Pale and crossed is where no row "
        "is near."
    )
    parts = [_pair(found, each) for each in found["pairs"]]
    return titled("Joint effects", f"<p>{escape(text)}</p>{gallery.many(parts, 'more pairs')}")


def _pair(found: Found, pair: Found) -> str:
    first, second = pair["names"]
    rows = pair["rows"]
    width, height = len(rows[0]), len(rows)
    # A point is bare where all the cells around it are.
    empty = [
        [
            not any(
                rows[i][j]
                for i in (r - 1, r)
                for j in (c - 1, c)
                if 0 <= i < height and 0 <= j < width
            )
            for c in range(width + 1)
        ]
        for r in range(height + 1)
    ]
    output = found["answers"][pair["output"]]
    title = f"{plain(first)} and {plain(second)}"
    drawn = plots.heat_map(
        pair["labels"][0],
        pair["labels"][1],
        pair["effect"],
        empty,
        x_title=second,
        y_title=first,
        value_title=f"effect on {output}",
        label=f"Joint effects of {title}",
        middle=0.0,
    )
    text = f"They move {plain(output)} by {number(pair['interaction'])} in the root mean square."
    return gallery.picture(title, text, drawn)
