"""The charts of Shapley values: how much features count, by row, and in single rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import BLUE, GRAY, INK, RED, chart_of, plain, svg

#: Pixels of a chart, of the names beside it, of a feature, and of a chart of one row.
WIDTH, NAMES, BAR = 420, 180, 24
ROW_WIDTH, ROW_NAMES = 260, 210
NAME_LIMIT = 24
#: Features in the chart of all, and in that of one row; the others are summed up there.
MOST_BARS, MOST_PARTS = 20, 8
#: Part of a feature's place that its points are spread over, and in how many steps.
SPREAD, STEPS = 0.8, 9
#: Bins of a feature's values: where many points lie, they are spread wide.
BINS = 40

Found = dict[str, Any]


def importance(features: Sequence[Found], title: str, label: str) -> str:
    """Return a bar for each feature, with its interval.

    Parameters
    ----------
    features : sequence of dict
        With ``name``, ``importance``, ``low`` and ``high``.
    title : str
        Of the axis.
    label : str
        Text alternative.
    """
    import altair as alt

    data = chart_of(
        [
            {
                "place": f"{place:03d}",
                "name": plain(each["name"], NAME_LIMIT),
                "value": each["importance"],
                "low": each["low"],
                "high": each["high"],
            }
            for place, each in enumerate(features[:MOST_BARS])
        ]
    )
    # The place, not the name, tells features apart: two shortened names may be equal.
    y = alt.Y("place:N").title(None).axis(None)
    chart = alt.layer(
        data.mark_bar(color=BLUE, opacity=0.8, height={"band": 0.6}).encode(
            y=y, x=alt.X("value:Q").title(title).axis(tickCount=5)
        ),
        data.mark_rule(color=INK, strokeWidth=1.5).encode(y=y, x=alt.X("low:Q"), x2="high:Q"),
        _names(data, y, NAMES),
    ).properties(width=WIDTH, height=BAR * min(len(features), MOST_BARS))
    return svg(chart, label)


def swarm(features: Sequence[Found], title: str, label: str) -> str:
    """Return a point for each row and feature, the redder the higher the feature's number.

    Parameters
    ----------
    features : sequence of dict
        With ``name``, ``values`` and ``ranks``: see `components.explainer.shapley.described`.
    title : str
        Of the axis.
    label : str
        Text alternative.
    """
    import altair as alt

    rows, names = [], []
    for place, each in enumerate(features):
        names.append({"y": -place, "name": plain(each["name"], NAME_LIMIT)})
        ranks = each["ranks"] or [None] * len(each["values"])
        heights = _heights(each["values"])
        for value, rank, height in zip(each["values"], ranks, heights, strict=True):
            rows.append({"x": value, "y": height - place, "rank": rank})
    y = alt.Y("y:Q").title(None).axis(None)
    y = y.scale(domain=[0.5 - len(features), 0.5], nice=False)
    x = alt.X("x:Q").title(title).scale(zero=False, nice=True).axis(tickCount=6)
    color = alt.Color("rank:Q").scale(domain=[0, 0.5, 1], range=[BLUE, GRAY, RED]).legend(None)
    points = chart_of(rows)
    mark: dict[str, Any] = {"filled": True, "size": 14, "opacity": 0.7}
    ranked = points.transform_filter("datum.rank !== null")
    other = points.transform_filter("datum.rank === null")
    chart = alt.layer(
        chart_of([{"x": 0.0}]).mark_rule(color=INK, opacity=0.6).encode(x="x:Q"),
        other.mark_point(**mark, color=GRAY).encode(x=x, y=y),
        ranked.mark_point(**mark).encode(x=x, y=y, color=color),
        _names(chart_of(names), y, NAMES),
    ).properties(width=WIDTH, height=(BAR + 8) * len(features))
    return svg(chart, label)


def waterfall(base: float, parts: Sequence[Found], title: str, label: str) -> str:
    """Return how a prediction comes about, feature by feature, from what is usual.

    Parameters
    ----------
    base : float
        The mean prediction of the background.
    parts : sequence of dict
        With ``text`` and ``value``, in the order in which they are added.
    title : str
        Of the axis.
    label : str
        Text alternative.
    """
    import altair as alt

    rows, so_far = [], base
    for place, part in enumerate(parts):
        rows.append(
            {
                "place": f"{place:02d}",
                "name": plain(part["text"], NAME_LIMIT + 6),
                "from": so_far,
                "to": so_far + part["value"],
                "kind": "up" if part["value"] >= 0 else "down",
            }
        )
        so_far += part["value"]
    data = chart_of(rows)
    y = alt.Y("place:N").title(None).axis(None)
    color = alt.Color("kind:N").scale(domain=["up", "down"], range=[RED, BLUE]).legend(None)
    x = alt.X("from:Q").title(title).scale(zero=False, nice=True).axis(tickCount=4)
    chart = alt.layer(
        chart_of([{"x": base}])
        .mark_rule(color=INK, strokeDash=[5, 4], opacity=0.7)
        .encode(x=alt.X("x:Q")),
        data.mark_bar(opacity=0.85, height={"band": 0.6}).encode(y=y, x=x, x2="to:Q", color=color),
        _names(data, y, ROW_NAMES),
    ).properties(width=ROW_WIDTH, height=BAR * len(rows))
    return svg(chart, label)


def _names(data: Any, y: Any, limit: int) -> Any:
    import altair as alt

    return data.mark_text(align="right", color=INK, limit=limit).encode(
        y=y, x=alt.value(-8), text="name:N"
    )


def _heights(values: Sequence[float]) -> list[float]:
    """Return how far each point lies from the middle of its feature's place."""
    low, high = min(values), max(values)
    width = (high - low) / BINS or 1.0
    taken: dict[int, int] = {}
    heights = []
    for value in values:
        into = int((value - low) / width)
        step = taken.get(into, 0)
        taken[into] = step + 1
        # From the middle outwards, up and down in turn.
        away = (step % STEPS + 1) // 2 * (1 if step % 2 else -1)
        heights.append(SPREAD * away / STEPS)
    return heights
