"""Attacks on images for people."""

from __future__ import annotations

from typing import Any

import altair

from components.charts import BLUE, GREEN, PURPLE, RED, chart_of, escape, svg
from components.page import Column, Row, figure, number, table, titled

WIDTH, HEIGHT = 560, 260
NORMS = {
    "Linf": "Largest change of a pixel, as a share of its range",
    "L2": "Distance to the attacked image (L2)",
}
COLOURS = (BLUE, RED, GREEN, PURPLE)

Described = dict[str, Any]


def lines(described: Described) -> list[str]:
    """Return the most telling findings as short lines of text."""
    found = []
    worst = _worst(described)
    if worst is not None:
        point = _telling(worst)
        found.append(
            f"{_title(worst)} at eps {point['eps']:g}: {point['accuracy']:.1%} right "
            f"({described['accuracy']:.1%} as they are)"
        )
    minimal = [
        each for each in described["attacks"] if not each["budgeted"] and each["median"] is not None
    ]
    if minimal:
        best = min(minimal, key=lambda each: each["median"])
        found.append(
            f"{_title(best)}: half of the images fall to an L2 change of {best['median']:.3g}"
        )
    return found or ["attacks on images: none was run"]


def parts(described: Described) -> list[str]:
    """Return markup: a headline, curves, a table and pictures."""
    made = [
        _headline(described),
        _curves(described, "Linf"),
        _curves(described, "L2"),
        _table(described),
        _pictures(described),
    ]
    return [part for part in made if part]


def _title(attack: Described) -> str:
    return f"{attack['title']} ({attack['library']})"


def _worst(described: Described) -> Described | None:
    """Return the attack with a budget that leaves least right."""
    budgeted = [each for each in described["attacks"] if each["budgeted"]]
    return min(
        budgeted,
        key=lambda each: sum(point["accuracy"] for point in each["curve"]) / len(each["curve"]),
        default=None,
    )


def _telling(attack: Described) -> Described:
    """Return the point of a curve at the first budget that turns half, or the last."""
    half = attack["curve"][0]["accuracy"] / 2
    point: Described = next(
        (point for point in attack["curve"] if point["accuracy"] <= half), attack["curve"][-1]
    )
    return point


def _headline(described: Described) -> str:
    lead = "; ".join(lines(described))
    text = (
        f"Images that the model gets wrong as they are count as wrong. {described['rows']:,} "
        f"images were attacked within a budget, {described['minimal_rows']:,} with the least "
        "change that turns them."
    )
    return f'<p class="lead">{escape(lead[0].upper() + lead[1:])}.</p><p>{escape(text)}</p>'


def _curves(described: Described, norm: str) -> str:
    attacks = [each for each in described["attacks"] if each["norm"] == norm]
    if not attacks:
        return ""
    names = [_title(each) for each in attacks]
    rows = [
        {"eps": point["eps"], "accuracy": point["accuracy"], "attack": _title(each)}
        for each in attacks
        for point in each["curve"]
    ]
    dashes = [[1, 0] if index % 2 == 0 else [6, 4] for index in range(len(names))]
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(names))]
    # The two libraries of one attack lie on each other: one is dashed.
    drawn = (
        chart_of(rows)
        .mark_line(point={"size": 40, "filled": True} if norm == "Linf" else False, strokeWidth=2)
        .encode(
            x=altair.X("eps:Q", title=NORMS[norm]),
            y=altair.Y(
                "accuracy:Q",
                title="Images still right",
                scale=altair.Scale(domain=[0, 1]),
                axis=altair.Axis(format="%"),
            ),
            color=altair.Color(
                "attack:N",
                sort=names,
                title=None,
                scale=altair.Scale(domain=names, range=colours),
            ),
            strokeDash=altair.StrokeDash(
                "attack:N",
                sort=names,
                title=None,
                scale=altair.Scale(domain=names, range=dashes),
            ),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    label = "; ".join(f"{_title(each)}: {_points(each['curve'][::4])}" for each in attacks)
    title = "Accuracy against the budget" if norm == "Linf" else "Accuracy against the distance"
    return figure(
        title,
        svg(drawn, label),
        "Lower is a stronger attack, and not a poorer model: the model is as robust as the "
        "strongest attack leaves it.",
    )


def _points(curve: list[Described]) -> str:
    return ", ".join(f"{point['accuracy']:.1%} at {point['eps']:.3g}" for point in curve)


def _table(described: Described) -> str:
    if not described["attacks"]:
        return ""
    rows = [
        Row(
            [
                each["title"],
                each["library"],
                each["norm"],
                f"{each['rows']:,}",
                f"{each['curve'][-1]['accuracy']:.1%} at {number(each['curve'][-1]['eps'])}",
                "not reached" if each["median"] is None else number(each["median"]),
            ]
        )
        for each in described["attacks"]
    ]
    heads = [
        Column("attack", "name"),
        Column("library"),
        Column("norm"),
        Column("images", "number"),
        Column("still right", "number"),
        Column("turns half at", "number"),
    ]
    caption = (
        "Of attacks with a budget, the first of the budgets that turns half of the right images."
    )
    return titled("Attacks", table("Attacks on images", caption, heads, rows))


def _pictures(described: Described) -> str:
    found = []
    for each in described["attacks"]:
        if not each["examples"]:
            continue
        shown = "".join(_picture(example, each) for example in each["examples"])
        found.append(f'<h3>{escape(_title(each))}</h3><div class="attacked">{shown}</div>')
    if not found:
        return ""
    text = (
        "The image, the attacked image and the difference, from the least changed to the most. "
        "Gray is no change; black and white are the largest."
    )
    return titled("Attacked images", f"<p>{escape(text)}</p>" + "".join(found))


def _picture(example: Described, attack: Described) -> str:
    row, norm = example["row"], attack["norm"]
    images = "".join(
        f'<img src="{escape(example[name])}" alt="{name}, image {row}">'
        for name in ("original", "adversarial", "difference")
    )
    turned = f"{example['label']} → {example['predicted']}"
    text = f"{turned}, {norm} {number(example['distance'])}"
    return f"<figure><div>{images}</div><figcaption>{escape(text)}</figcaption></figure>"
