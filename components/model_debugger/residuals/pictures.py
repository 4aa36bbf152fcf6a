"""The charts of residuals: against predictions and columns, in time, and their distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import BLUE, FAINT, GRAY, INK, RED, chart_of, plain, svg

#: Pixels: of a chart that stands alone, of the two parts of a chart of groups, of names beside
#: it, of a group, and of charts of a distribution.
WIDTH, HEIGHT = 440, 240
MEANS, SPREADS, NAMES, GROUP = 200, 110, 190, 22
SMALL_WIDTH, SMALL_HEIGHT = 400, 220
NAME_LIMIT = 30

Described = dict[str, Any]


def groups(
    described: Sequence[Described], mean: str, spread: str, usual: float | None, label: str
) -> str:
    """Return the mean residual of each group with its interval, and the spread beside it.

    Parameters
    ----------
    described : sequence of dict
        See `components.model_debugger.residuals.drawn.groups`.
    mean, spread : str
        Titles of the axes.
    usual : float or None
        The spread that a line marks.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {
            "place": f"{place:02d}",
            "name": plain(group["name"], NAME_LIMIT),
            "mean": group["mean"],
            "low": group["mean"] - group["error"],
            "high": group["mean"] + group["error"],
            "spread": group["spread"],
            "kind": "off" if abs(group["mean"]) > group["error"] else "near",
        }
        for place, group in enumerate(described)
    ]
    data, zero = chart_of(rows), chart_of([{"zero": 0.0}])
    # The place, not the name, tells groups apart: two shortened names may be equal.
    y = alt.Y("place:N").title(None).axis(None)
    x = alt.X("mean:Q").title(mean).scale(zero=False, nice=True).axis(tickCount=4)
    color = alt.Color("kind:N").scale(domain=["off", "near"], range=[RED, GRAY]).legend(None)
    height = GROUP * len(rows)
    means = alt.layer(
        zero.mark_rule(color=INK, opacity=0.6).encode(x="zero:Q"),
        data.mark_rule(strokeWidth=2).encode(y=y, x=alt.X("low:Q"), x2="high:Q", color=color),
        data.mark_point(filled=True, size=55, opacity=1).encode(y=y, x=x, color=color),
        data.mark_text(align="right", color=INK, limit=NAMES).encode(
            y=y, x=alt.value(-8), text="name:N"
        ),
    ).properties(width=MEANS, height=height)
    bars: list[Any] = [
        data.mark_bar(color=BLUE, opacity=0.8, height={"band": 0.55}).encode(
            y=y, x=alt.X("spread:Q").title(spread).axis(tickCount=3)
        )
    ]
    if usual is not None:
        line = chart_of([{"spread": usual}])
        bars.append(line.mark_rule(color=INK, strokeDash=[5, 4], opacity=0.7).encode(x="spread:Q"))
    spreads = alt.layer(*bars).properties(width=SPREADS, height=height)
    return svg(alt.hconcat(means, spreads, spacing=24), label)


def scatter(described: Described, x_title: str, y_title: str, label: str) -> str:
    """Return residuals of some rows against a number, with the mean of each group.

    Parameters
    ----------
    described : dict
        With ``points`` and ``groups``: see `components.model_debugger.residuals.drawn`.
    x_title, y_title : str
    label : str
        Text alternative.
    """
    import altair as alt

    points = [{"x": x, "y": y} for x, y in described["points"]]
    middles = [
        {"x": group["middle"], "y": group["mean"]}
        for group in described["groups"]
        if group["middle"] is not None
    ]
    x = alt.X("x:Q").title(x_title).scale(zero=False, nice=True).axis(tickCount=6)
    y = alt.Y("y:Q").title(y_title).axis(tickCount=6, gridColor=FAINT)
    chart = alt.layer(
        chart_of([{"y": 0.0}]).mark_rule(color=INK, opacity=0.6).encode(y="y:Q"),
        chart_of(points)
        .mark_point(filled=True, size=18, opacity=0.45, color=GRAY)
        .encode(x=x, y=y),
        chart_of(middles).mark_line(color=RED, strokeWidth=2).encode(x=x, y=y),
        chart_of(middles).mark_point(filled=True, size=45, color=RED, opacity=1).encode(x=x, y=y),
    ).properties(width=WIDTH, height=HEIGHT)
    return svg(chart, label)


def correlogram(bars: Sequence[Described], label: str) -> str:
    """Return the autocorrelation at each lag, and the band of those that are chance.

    Parameters
    ----------
    bars : sequence of dict
        See `components.model_debugger.residuals.drawn.correlogram`.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {
            **bar,
            "low": -bar["error"],
            "kind": "out" if abs(bar["value"]) > bar["error"] else "in",
        }
        for bar in bars
    ]
    data = chart_of(rows)
    x = (
        alt.X("lag:Q")
        .title("rows back")
        .scale(domain=[0.2, len(rows) + 0.8], nice=False)
        .axis(grid=False, tickMinStep=1, format="d")
    )
    color = alt.Color("kind:N").scale(domain=["out", "in"], range=[RED, BLUE]).legend(None)
    chart = alt.layer(
        data.mark_area(color=GRAY, opacity=0.22).encode(
            x=x, y=alt.Y("low:Q").title("autocorrelation").axis(tickCount=5), y2="error:Q"
        ),
        chart_of([{"value": 0.0}]).mark_rule(color=INK, opacity=0.6).encode(y="value:Q"),
        data.mark_bar(width=4).encode(x=x, y="value:Q", color=color),
    ).properties(width=SMALL_WIDTH, height=SMALL_HEIGHT)
    return svg(chart, label)


def quantiles(points: Sequence[Sequence[float]], label: str) -> str:
    """Return quantiles of residuals against those of the normal distribution.

    Parameters
    ----------
    points : sequence of (float, float)
        Normal quantile and residual.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [{"x": x, "y": y} for x, y in points]
    ends = [{"x": value, "y": value} for value in (points[0][0], points[-1][0])]
    x = alt.X("x:Q").title("normal quantile").axis(tickCount=5)
    y = alt.Y("y:Q").title("residual").axis(tickCount=5, gridColor=FAINT)
    chart = alt.layer(
        chart_of(ends).mark_line(color=INK, strokeDash=[5, 4], opacity=0.7).encode(x=x, y=y),
        chart_of(rows).mark_point(filled=True, size=28, color=BLUE, opacity=0.85).encode(x=x, y=y),
    ).properties(width=SMALL_WIDTH, height=SMALL_HEIGHT)
    return svg(chart, label)
