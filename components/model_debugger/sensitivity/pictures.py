"""The charts of a model's sensitivity: responses to columns, and their parts of the variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.charts import BLUE, FAINT, GRAY, GREEN, INK, RED, chart_of, plain, svg

#: Pixels of a response, of names beside a chart, of a column's row, and of the chart of indices.
WIDTH, HEIGHT, NAMES, ROW, INDICES = 280, 180, 170, 24, 420
NAME_LIMIT = 26
COLORS = (BLUE, RED, GREEN)

Described = Mapping[str, Any]


def indices(columns: Sequence[Described], label: str) -> str:
    """Return first-order and total indices with their intervals.

    Parameters
    ----------
    columns : sequence of mapping
        See `components.model_debugger.sensitivity.section.describe`; all of them numbers.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {
            "place": f"{place:03d}",
            "name": plain(column["column"], NAME_LIMIT),
            "kind": kind,
            "value": column[key],
            "low": column[f"{key}_interval"][0],
            "high": column[f"{key}_interval"][1],
        }
        for place, column in enumerate(columns)
        for key, kind in (("total", "total, with interactions"), ("first", "first order, alone"))
    ]
    data = chart_of(rows)
    y = alt.Y("place:N").title(None).axis(None)
    offset = alt.YOffset("kind:N").scale(paddingInner=0.2)
    color = (
        alt.Color("kind:N")
        .scale(domain=["total, with interactions", "first order, alone"], range=[BLUE, GRAY])
        .legend(title=None)
    )
    x = alt.X("value:Q").title("part of the variance of the predictions").axis(format="%")
    chart = alt.layer(
        chart_of([{"value": 0.0}]).mark_rule(color=INK, opacity=0.6).encode(x="value:Q"),
        data.mark_rule(strokeWidth=2).encode(
            y=y, yOffset=offset, x=alt.X("low:Q"), x2="high:Q", color=color
        ),
        data.mark_point(filled=True, size=45, opacity=1).encode(
            y=y, yOffset=offset, x=x, color=color
        ),
        data.transform_filter("datum.kind == 'first order, alone'")
        .mark_text(align="right", color=INK, limit=NAMES)
        .encode(y=y, x=alt.value(-8), text="name:N"),
    ).properties(width=INDICES, height=ROW * len(columns))
    return svg(chart, label)


def response(described: Described, title: str, label: str) -> str:
    """Return the mean prediction over the values of a column.

    Parameters
    ----------
    described : mapping
        See `components.model_debugger.sensitivity.one_way.describe`.
    title : str
        Of what is predicted.
    label : str
        Text alternative.
    """
    names = list(described["means"])
    rows = [
        {
            "x": 1000 * step if described["time"] else step,
            "place": f"{place:03d}",
            "name": plain(step, NAME_LIMIT),
            "mean": mean,
            "low": described["low"][place],
            "high": described["high"][place],
            "output": f"{index}",
        }
        for index, name in enumerate(names)
        for place, (step, mean) in enumerate(
            zip(described["steps"], described["means"][name], strict=True)
        )
    ]
    short = [plain(name, NAME_LIMIT) for name in names]
    if described["numeric"]:
        return svg(_numbers(rows, title, short, described["time"]), label)
    return svg(_texts(rows, title, short), label)


def _color(names: Sequence[str]) -> Any:
    import altair as alt

    # Places, not names, tell outputs apart; an expression puts the names into the legend.
    legend: Any = None
    if len(names) > 1:
        texts = "{" + ", ".join(f"'{i}': {_quoted(name)}" for i, name in enumerate(names)) + "}"
        legend = alt.Legend(title=None, labelExpr=f"({texts})[datum.label]")
    return (
        alt.Color("output:N")
        .scale(domain=[f"{i}" for i in range(len(names))], range=list(COLORS[: len(names)]))
        .legend(legend)
    )


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def _numbers(rows: list[dict[str, Any]], title: str, names: Sequence[str], time: bool) -> Any:
    import altair as alt

    data = chart_of(rows)
    x = alt.X("x:Q").title(None).scale(zero=False, nice=False).axis(tickCount=5, grid=False)
    if time:
        # Milliseconds since 1970.
        x = alt.X("x:T").title(None).scale(type="utc", nice=False).axis(tickCount=4, grid=False)
    y = alt.Y("mean:Q").title(title).axis(tickCount=5, gridColor=FAINT)
    layers: list[Any] = []
    if len(names) == 1:
        layers.append(
            data.mark_area(color=GRAY, opacity=0.2).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
        )
    layers += [
        data.mark_line(strokeWidth=2).encode(x=x, y=y, color=_color(names)),
        data.mark_point(filled=True, size=24, opacity=1).encode(x=x, y=y, color=_color(names)),
    ]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _texts(rows: list[dict[str, Any]], title: str, names: Sequence[str]) -> Any:
    import altair as alt

    data = chart_of(rows)
    y = alt.Y("place:N").title(None).axis(None)
    x = alt.X("mean:Q").title(title).axis(tickCount=5)
    layers: list[Any] = []
    if len(names) == 1:
        layers.append(
            data.mark_rule(color=GRAY, opacity=0.35, strokeWidth=8).encode(
                y=y, x=alt.X("low:Q"), x2="high:Q"
            )
        )
    layers += [
        data.mark_point(filled=True, size=50, opacity=1).encode(x=x, y=y, color=_color(names)),
        data.transform_filter("datum.output == '0'")
        .mark_text(align="right", color=INK, limit=NAMES)
        .encode(y=y, x=alt.value(-8), text="name:N"),
    ]
    places = len({row["place"] for row in rows})
    return alt.layer(*layers).properties(width=WIDTH - 60, height=max(ROW * places * 0.8, 60))
