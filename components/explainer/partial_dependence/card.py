"""Partial dependence for people: a curve for each feature, and maps of pairs."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer import gallery, plots
from components.page import framed, number, titled

#: Features that are drawn, those whose single rows are, and outputs of a feature.
MOST_FEATURES, MOST_ICE, MOST_OUTPUTS = 10, 6, 5

Found = dict[str, Any]


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text."""
    if not found["features"]:
        return []
    first = found["features"][0]
    text = f"partial dependence: most on {plain(first['name'])}, {_course(first)}"
    strong = [pair for pair in found["pairs"] if pair["share"] >= 0.1]
    if strong:
        names = " and ".join(map(plain, strong[0]["names"]))
        text += f"; strongest interaction of {names} ({strong[0]['share']:.0%} of their effect)"
    return [text]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        See `components.explainer.partial_dependence.explanation.explain`.
    """
    text = (
        "What the model says in the mean over "
        f"{found['rows']:,} rows if all of them had the same value of a feature. The band holds "
        "80 % of the rows; ticks are the deciles of the feature."
    )
    if len(found["features"]) > MOST_FEATURES:
        text += (
            f" The {MOST_FEATURES} features of {len(found['features'])} whose curves vary most "
            "are drawn; all are in the table."
        )
    parts = [
        titled("Partial dependence", f"<p>{escape(text)}</p>"),
        gallery.notes(found["notes"]),
        gallery.many(
            [_profile(found, each) for each in found["features"][:MOST_FEATURES]], "more features"
        ),
        _ice(found),
        _pairs(found),
    ]
    return framed((part for part in parts if part), gallery.STYLE)


def _course(feature: Found) -> str:
    values = feature["dependence"][feature["output"]]
    low, high = values.index(min(values)), values.index(max(values))
    return (
        f"{number(values[low])} at {plain(feature['labels'][low])} to {number(values[high])} at "
        f"{plain(feature['labels'][high])}"
    )


def _profile(found: Found, feature: Found) -> str:
    outputs, main = found["answers"], feature["output"]
    # The output that varies most is first, and has the band.
    order = [main, *(place for place in range(len(outputs)) if place != main)][:MOST_OUTPUTS]
    series = [
        {
            "name": outputs[place],
            "values": feature["dependence"][place],
            "low": feature["low"] if place == main else None,
            "high": feature["high"] if place == main else None,
        }
        for place in order
    ]
    text = _course(feature)
    if feature["missing"] is not None:
        text += f"; {number(feature['missing'][main])} where it is missing"
    if feature["correlated"]:
        names = ", ".join(plain(each["name"]) for each in feature["correlated"][:3])
        text += f". In doubt, being correlated with {names}: see ALE"
    drawn = plots.profile(
        feature["grid"],
        None if feature["numeric"] else feature["labels"],
        series,
        x_title=feature["name"],
        y_title=outputs[main],
        label=f"Partial dependence on {feature['name']}: {_course(feature)}",
        marks=feature["deciles"] or (),
    )
    return gallery.picture(feature["name"], f"{text}.", drawn)


def _ice(found: Found) -> str:
    features = [each for each in found["features"] if each["clusters"]]
    features = sorted(features, key=lambda each: -each["spread"])[:MOST_ICE]
    if not features:
        return ""
    text = (
        "Single rows as thin lines, from the least value of the feature on, in groups of like "
        "course. Where groups part, the feature interacts with others."
    )
    return titled(
        "Curves of single rows (ICE)",
        f"<p>{escape(text)}</p>"
        + gallery.many([_clusters(found, each) for each in features], "more features"),
    )


def _clusters(found: Found, feature: Found) -> str:
    series = [
        {"name": f"{each['share']:.0%} of rows", "values": each["curve"], "low": None, "high": None}
        for each in feature["clusters"]
    ]
    teller = feature["cluster_feature"]
    text = "No other feature tells the groups apart."
    if teller is not None:
        text = (
            f"The groups differ most by {plain(teller['name'])} "
            f"(association {teller['strength']:.2f} of 1)."
        )
    drawn = plots.profile(
        feature["grid"],
        None if feature["numeric"] else feature["labels"],
        series,
        x_title=feature["name"],
        y_title=f"change of {found['outputs'][feature['output']]}",
        label=f"Curves of single rows over {feature['name']}",
        thin=feature["ice"],
    )
    return gallery.picture(feature["name"], text, drawn)


def _pairs(found: Found) -> str:
    if not found["pairs"]:
        return ""
    parts = [_pair(found, each) for each in found["pairs"]]
    text = (
        "What the model says in the mean for each pair of values. Pale and crossed is where no "
        "row of the background is near: there the picture is a guess of the model's."
    )
    return titled("Pairs of features", f"<p>{escape(text)}</p>{gallery.many(parts, 'more pairs')}")


def _pair(found: Found, pair: Found) -> str:
    first, second = pair["names"]
    empty = [[not rows for rows in line] for line in pair["rows"]]
    bare = sum(map(sum, empty)) / (len(empty) * len(empty[0]))
    text = f"{pair['share']:.0%} of the joint effect is interaction."
    if bare:
        text += f" {bare:.0%} of the points have no data."
    title = f"{plain(first)} and {plain(second)}"
    drawn = plots.heat_map(
        pair["labels"][0],
        pair["labels"][1],
        pair["dependence"],
        empty,
        x_title=second,
        y_title=first,
        value_title=found["answers"][pair["output"]],
        label=f"Joint partial dependence on {title}",
    )
    return gallery.picture(title, text, drawn)
