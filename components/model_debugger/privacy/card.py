"""The privacy checks as a section for people."""

from __future__ import annotations

from typing import Any

import altair

from components.charts import BLUE, GRAY, GREEN, RED, chart_of, escape, svg
from components.page import Column, Row, figure, framed, table, titled

WIDTH, HEIGHT = 460, 300
COLOURS = (BLUE, RED, GREEN)
#: Rates that have a line of their own.
TICKS = (0.0001, 0.001, 0.01, 0.1, 1.0)

Described = dict[str, Any]


def section(described: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.privacy.section.describe` returns.
    """
    notes = "".join(f"<li>{escape(note)}</li>" for note in described["notes"])
    parts = [
        _headline(described),
        _membership(described),
        _membership_table(described),
        _extraction(described),
        f"<ul>{notes}</ul>" if notes else "",
    ]
    return framed(part for part in parts if part)


def lines(described: Described) -> list[str]:
    """Return the most telling findings as short lines of text.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.privacy.section.describe` returns.
    """
    found = []
    strongest = _strongest(described)
    if strongest is not None:
        verdict = "members can be told" if strongest["leaks"] else "no leak seen"
        found.append(
            f"membership inference: AUC {strongest['auc']:.3f} ({strongest['low']:.3f} to "
            f"{strongest['high']:.3f}), {strongest['tpr']:.1%} of members found at "
            f"{described['low_rate']:.0%} false alarms: {verdict}"
        )
    if described["extraction"]:
        copy = described["extraction"][-1]
        found.append(
            f"model extraction: a copy by {copy['queries']:,} queries agrees on "
            f"{copy['agreement']:.1%} of other rows (by the commonest class: {copy['chance']:.1%})"
        )
    return found


def _strongest(described: Described) -> Described | None:
    return max(described["membership"], key=lambda each: each["auc"], default=None)


def _headline(described: Described) -> str:
    text = (
        f"{described['members']:,} rows of the training split against {described['others']:,} that "
        "the model was not trained on. An attack tells them by the model's answer and the true "
        "label. Where the two splits differ otherwise, as splits by time do, that difference "
        "counts as a leak too; and attacks with models of their own for each row may find more."
    )
    told = "".join(
        f'<p class="lead">{escape(line[0].upper() + line[1:])}.</p>' for line in lines(described)
    )
    return (
        titled("Privacy", "")
        + (told or '<p class="lead">Nothing was tried.</p>')
        + (f"<p>{escape(text)}</p>")
    )


def _membership(described: Described) -> str:
    attacks = [each for each in described["membership"] if each["name"] != "rule"]
    if not attacks:
        return ""
    least = 1 / max(each["others"] for each in attacks)
    rows = [
        {"fpr": x, "tpr": max(y, least), "attack": each["title"]}
        for each in attacks
        for x, y in each["curve"]
        if x >= least
    ]
    names = [each["title"] for each in attacks]
    scale = altair.Scale(type="log", domain=[least, 1], nice=False)
    axis = altair.Axis(format="~%", values=list(TICKS))
    line = (
        chart_of(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=altair.X("fpr:Q", title="Others taken for members", scale=scale, axis=axis),
            y=altair.Y("tpr:Q", title="Members found", scale=scale, axis=axis),
            color=altair.Color(
                "attack:N",
                sort=names,
                title=None,
                scale=altair.Scale(domain=names, range=list(COLOURS[: len(names)])),
            ),
        )
    )
    chance = (
        chart_of([{"x": least, "y": least}, {"x": 1, "y": 1}])
        .mark_line(strokeDash=[4, 4], color=GRAY)
        .encode(x=altair.X("x:Q", scale=scale), y=altair.Y("y:Q", scale=scale))
    )
    label = "; ".join(f"{each['title']}: AUC {each['auc']:.3f}" for each in attacks)
    return figure(
        "Membership inference",
        svg((chance + line).properties(width=WIDTH, height=HEIGHT), label),
        "Both axes are logarithmic: an attack that is sure of a few members is bad enough. On the "
        "dashed line it guesses.",
    )


def _membership_table(described: Described) -> str:
    if not described["membership"]:
        return ""
    rate = f"members found at {described['low_rate']:.0%} false alarms"
    heads = [
        Column("attack", "name"),
        Column("AUC", "number"),
        Column("95 % interval", "number"),
        Column(rate, "number"),
        Column("advantage", "number"),
        Column("leaks"),
    ]
    rows = [
        Row(
            [
                each["title"],
                f"{each['auc']:.3f}",
                f"{each['low']:.3f} to {each['high']:.3f}",
                f"{each['tpr']:.1%}",
                f"{each['advantage']:.3f}",
                "yes" if each["leaks"] else "not seen",
            ]
        )
        for each in described["membership"]
    ]
    caption = (
        "Advantage: the greatest difference of members found and others taken for members, which "
        "is a little above 0 even by chance."
    )
    return table("Membership inference", caption, heads, rows)


def _extraction(described: Described) -> str:
    copies = described["extraction"]
    if not copies:
        return ""
    heads = [
        Column("queries", "number"),
        Column("agreement", "number"),
        Column("by the commonest class", "number"),
        Column("distance of probabilities", "number"),
        Column("accuracy of the copy", "number"),
        Column("of the model", "number"),
    ]
    rows = [
        Row(
            [
                f"{each['queries']:,}",
                f"{each['agreement']:.1%}",
                f"{each['chance']:.1%}",
                f"{each['distance']:.3f}",
                f"{each['accuracy']:.1%}",
                f"{each['model_accuracy']:.1%}",
            ]
        )
        for each in copies
    ]
    caption = (
        "A forest trained on nothing but the model's answers (Knockoff nets), compared with the "
        "model on rows that it did not ask about. Distance: mean total variation, from 0 to 1."
    )
    return titled("Model extraction", table("Copies of the model", caption, heads, rows))
