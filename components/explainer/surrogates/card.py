"""Surrogates for people: the tree as a picture and as rules, and the terms of RuleFit."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer import gallery
from components.explainer.surrogates import pictures
from components.page import Column, Row, count, folded, framed, number, scroll, table, titled

#: Terms that are shown at once.
SHOWN = 12

Found = dict[str, Any]


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text."""
    parts = [
        f"{title} {_fidelity(found[name])}"
        for name, title in (("tree", "a tree meets"), ("rulefit", "RuleFit"))
        if found[name] is not None and _worst(found[name]) is not None
    ]
    return [f"surrogates: {', '.join(parts)} of the model's answers"] if parts else []


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        See `components.explainer.surrogates.explanation.explain`.
    """
    text = (
        "Readable models fitted to what the model says, not to the labels. The fidelity is that "
        f"on {count(found['held_out'], 'row')} of {found['rows']:,} which were held out."
    )
    return framed(
        [
            titled("Surrogates", f"<p>{escape(text)}</p>"),
            gallery.notes(found["notes"]),
            _tree(found),
            _rulefit(found),
        ]
    )


def _worst(surrogate: Found) -> float | None:
    known = [value for value in surrogate["fidelity"]["r2"] if value is not None]
    return min(known, default=None)


def _fidelity(surrogate: Found) -> str:
    worst = _worst(surrogate)
    return "" if worst is None else f"{max(worst, 0.0):.0%}"


def _sentence(surrogate: Found) -> str:
    parts = []
    if _worst(surrogate) is not None:
        parts.append(f"It meets {_fidelity(surrogate)} of how the answers vary (R²).")
    if surrogate["fidelity"]["agreement"] is not None:
        parts.append(
            f"It decides as the model does for {surrogate['fidelity']['agreement']:.1%} of them."
        )
    return " ".join(parts)


def _tree(found: Found) -> str:
    surrogate = found["tree"]
    if surrogate is None:
        return ""
    nodes, output = surrogate["nodes"], surrogate["output"]
    leaves = [node for node in nodes if node["condition"] is None]
    if len(leaves) == 1:
        return titled("Decision tree", "<p>No condition tells answers apart.</p>")
    name = found["answers"][output]
    label = f"Decision tree of {count(len(leaves), 'leaf').replace('leafs', 'leaves')}"
    drawn = pictures.drawn(nodes, output, name, label)
    text = f"{_sentence(surrogate)} Each way ends with the {plain(name)}, and its share of rows."
    rules = table(
        "Rules of the tree",
        "Each way through the tree as a rule.",
        [
            Column("if", "wide"),
            *(Column(output, "number") for output in found["answers"]),
            Column("rows", "number"),
        ],
        [
            Row([way, *(number(value) for value in node["values"]), f"{node['share']:.1%}"])
            for way, node in _ways(nodes)
        ],
    )
    return titled(
        "Decision tree",
        f"<p>{escape(text)}</p>{scroll(drawn, label)}{folded('As rules', rules)}",
    )


def _ways(nodes: list[Found]) -> list[tuple[str, Found]]:
    """Return the leaves with all that leads to each, in words."""
    found = []
    above: list[str] = []
    for node in nodes:
        above = [*above[: max(node["depth"] - 1, 0)], node["way"]] if node["depth"] else []
        if node["condition"] is None:
            found.append((" and ".join(above), node))
    return found


def _rulefit(found: Found) -> str:
    surrogate = found["rulefit"]
    if surrogate is None:
        return ""
    columns = [
        Column("term", "wide"),
        Column("weight", "number"),
        Column("rows", "number"),
        Column("importance", "number"),
    ]
    rows = [
        Row(
            [
                term["text"] if term["kind"] == "rule" else f"{term['text']}, for each unit",
                ("+" if term["weight"] > 0 else "") + number(term["weight"]),
                "all" if term["support"] is None else f"{term['support']:.0%}",
                number(term["importance"]),
            ]
        )
        for term in surrogate["terms"]
    ]
    name = plain(found["answers"][surrogate["output"]])
    caption = f"Where a rule holds, its weight is added to {name}; the most important first."
    shown = table("Terms of RuleFit", caption, columns, rows[:SHOWN]) if rows else ""
    if rows[SHOWN:]:
        more = table("Further terms of RuleFit", "In the same order.", columns, rows[SHOWN:])
        shown += folded(f"{len(rows) - SHOWN} more terms", more)
    return titled("RuleFit", f"<p>{escape(_sentence(surrogate))}</p>{shown}")
