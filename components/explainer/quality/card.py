"""The quality of explanations for people: do they agree, and do they hold."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer.explained_images import notes
from components.explainer.plots import profile
from components.page import Column, Row, framed, number, table, titled

TITLE = "Quality of the explanations"
#: Features in the table of ranks, and methods with a curve.
MOST_FEATURES, MOST_CURVES = 15, 5

STYLE = """
.card .curves{display:flex;flex-wrap:wrap;gap:1rem 2rem;margin:.6rem 0}
.card .curves figure{flex:1 1 20rem;max-width:24rem}
"""

Described = dict[str, Any]


def section(described: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    described : dict
        What `components.explainer.quality.section.describe` returns.
    """
    lead = "; ".join(lines(described)) or "There is nothing to compare"
    parts = [
        titled(TITLE, f'<p class="lead">{escape(lead[:1].upper() + lead[1:])}.</p>'),
        notes(described),
        _ranks(described),
        _agreement(described),
        _faithfulness(described),
        _stability(described),
    ]
    return framed((part for part in parts if part), STYLE)


def lines(described: Described) -> list[str]:
    """Return whether methods agree, and which is most faithful, as short lines of text."""
    found = []
    pairs = described["importance"] or described["local"]
    known = [pair for pair in pairs if pair["shared"] is not None]
    if known:
        apart = min(known, key=lambda pair: pair["shared"])
        names = " and ".join(_name(name) for name in apart["methods"])
        found.append(
            f"methods of explanation share {apart['shared']:.0%} or more of what counts (least: "
            f"{names})"
        )
    faithful = described["faithfulness"]
    if faithful and len(faithful["methods"]) > 1:
        best = faithful["methods"][0]
        found.append(f"most faithful: {_name(best['method'])} (gain {number(best['gain'])})")
    return found


def _name(method: str) -> str:
    return plain(method.replace("_", " "))


def _ranks(described: Described) -> str:
    importances = described["importances"]
    if not importances:
        return ""
    ranked = {
        method: sorted(values, key=lambda name: -values[name])
        for method, values in importances.items()
    }
    places = {
        method: {name: place for place, name in enumerate(names, 1)}
        for method, names in ranked.items()
    }
    features = {name for names in ranked.values() for name in names}

    def middle(name: str) -> tuple[float, str]:
        known = sorted(each[name] for each in places.values() if name in each)
        return known[len(known) // 2], name

    rows = [
        Row([name, *(each.get(name, "–") for each in places.values())])
        for name in sorted(features, key=middle)[:MOST_FEATURES]
    ]
    columns = [Column("feature", "name"), *(Column(_name(name), "number") for name in places)]
    caption = "Rank of each feature by each method; 1 counts most."
    return titled("Ranks", table("Ranks of features", caption, columns, rows))


def _agreement(described: Described) -> str:
    rows = []
    for kind, pairs in (("importance", described["importance"]), ("rows", described["local"])):
        for pair in pairs:
            alike = "–" if pair["correlation"] is None else f"{pair['correlation']:.2f}"
            shared = "–" if pair["shared"] is None else f"{pair['shared']:.0%}"
            first, second = (_name(name) for name in pair["methods"])
            together = kind == "importance"
            top = f"{pair['overlap']:.0%} of {pair['top']}" if together else "–"
            what = "all rows together" if together else f"{pair['rows']:,} rows, one by one"
            rows.append(Row([f"{first}, {second}", what, shared, alike, top]))
    if not rows:
        return ""
    columns = [
        Column("methods", "name"),
        Column("compared"),
        Column("shared", "number"),
        Column("rank correlation", "number"),
        Column("the same at the top", "number"),
    ]
    caption = (
        "Shared: what falls to the same features, with the same sign, of all that counts. Where "
        "few features count, Spearman's rank correlation is one of the noise of all others."
    )
    return titled("Agreement", table("Agreement of methods", caption, columns, rows))


def _faithfulness(described: Described) -> str:
    faithful = described["faithfulness"]
    if not faithful:
        return ""
    what = "features" if described["kind"] == "table" else "pixels"
    text = (
        f"Of {faithful['rows']:,} rows, {what} are taken away (deletion) or added to none "
        "(insertion), those first that count most. The sooner the value goes, or comes, the more "
        "faithful is the order. A value is a share of the whole change."
    )
    additive = {each["method"]: each["error"] for each in described["additivity"]}
    rows = []
    for each in faithful["methods"]:
        between = each["interval"]
        error = additive.get(each["method"])
        rows.append(
            Row(
                [
                    _name(each["method"]),
                    number(each["deletion_area"]),
                    number(each["insertion_area"]),
                    number(each["gain"]),
                    "–" if between is None else f"{number(between[0])} to {number(between[1])}",
                    "–" if error is None else f"{error:.2%}",
                ],
                "reference" if each["method"] == "chance" else "",
            )
        )
    columns = [
        Column("order of", "name"),
        Column("deletion area", "number"),
        Column("insertion area", "number"),
        Column("gain", "number"),
        Column("gain above chance", "number"),
        Column("error of the sum", "number"),
    ]
    caption = "Gain: insertion area less deletion area. Error of the sum: of a row's attributions."
    drawn = "".join(
        f"<figure><h3>{escape(title)}</h3>{_curves(faithful, key, title, what)}</figure>"
        for key, title in (("deletion", "Deletion"), ("insertion", "Insertion"))
    )
    return titled(
        "Faithfulness",
        f'<p>{escape(text)}</p><div class="curves">{drawn}</div>'
        + table("Faithfulness", caption, columns, rows),
    )


def _curves(faithful: Described, key: str, title: str, what: str) -> str:
    shown = faithful["methods"][: MOST_CURVES - 1]
    shown += [each for each in faithful["methods"][MOST_CURVES - 1 :] if each["method"] == "chance"]
    series = [
        {"name": _name(each["method"]), "values": each[key], "low": None, "high": None}
        for each in shown
    ]
    label = "; ".join(f"{each['name']}: {number(each['values'][1])}" for each in series)
    return profile(
        faithful["shares"],
        None,
        series,
        x_title=f"Share of the {what}",
        y_title="Value",
        label=f"{title}, after the first step: {label}",
    )


def _stability(described: Described) -> str:
    stable = described["stability"]
    if not stable or not stable["methods"]:
        return ""
    rows = [
        Row(
            [_name(each["method"]), each["rows"], f"{each['median']:.1%}", f"{each['largest']:.1%}"]
        )
        for each in stable["methods"]
    ]
    columns = [
        Column("method", "name"),
        Column("rows", "number"),
        Column("median change", "number"),
        Column("largest change", "number"),
    ]
    caption = (
        f"The largest change of a row's attributions over {stable['repeats']} changes of its "
        f"numbers by up to {stable['noise']:g} (standard deviations of a column, or the range of "
        "pixels), as a share of their size."
    )
    return titled("Stability", table("Stability", caption, columns, rows))
