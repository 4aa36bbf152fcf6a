"""The charts that several methods of explanation share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

from components.charts import BLUE, FAINT, GRAY, GREEN, INK, PURPLE, RED, chart_of, plain, svg

#: Pixels: of a profile, of a row and of the names of categories and bars, of a map.
WIDTH, HEIGHT, ROW, NAMES, MAP = 300, 190, 22, 170, 250
NAME_LIMIT = 28
#: Colours of several series, and from low to high.
COLORS = (BLUE, RED, GREEN, PURPLE, GRAY)
LOW_TO_HIGH = ("#0072b2", "#d0d3d6", "#d55e00")

Described = dict[str, Any]

_P = ParamSpec("_P")


class _Unchecked:
    """A chart that gives its specification without a check against Vega-Lite's schema."""

    def __init__(self, chart: Any) -> None:
        self._chart = chart

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = self._chart.to_dict(validate=False)
        return found


def _unchecked(draw: Callable[_P, str]) -> Callable[_P, str]:
    """Make charts without the checks of altair, which take ten times as long as to draw them.

    The charts of this module are of the same few forms, which the tests draw.
    """

    @wraps(draw)
    def drawn(*arguments: _P.args, **named: _P.kwargs) -> str:
        from altair.utils.schemapi import debug_mode

        with debug_mode(False):
            return draw(*arguments, **named)

    return drawn


def _svg(chart: Any, label: str) -> str:
    unchecked: Any = _Unchecked(chart)
    return svg(unchecked, label)


@_unchecked
def profile(
    grid: Sequence[float],
    labels: Sequence[str] | None,
    series: Sequence[Described],
    *,
    x_title: str,
    y_title: str,
    label: str,
    thin: Sequence[Sequence[float]] = (),
    marks: Sequence[float] = (),
) -> str:
    """Return one or several curves over a feature.

    Parameters
    ----------
    grid : sequence of float
        Values of the feature; of categories, their places.
    labels : sequence of str or None
        Names of categories; None for a number.
    series : sequence of dict
        ``name``, ``values``, and ``low`` and ``high`` of a band, or None.
    x_title, y_title, label : str
        Titles, and the text alternative.
    thin : sequence of sequence of float
        Curves of single rows, behind.
    marks : sequence of float
        Values of the feature that are marked along the axis: where the rows are.
    """
    if labels is None:
        return _over_numbers(grid, series, x_title, y_title, label, thin, marks)
    return _over_categories(labels, series, y_title, label)


def _color(series: Sequence[Described]) -> tuple[Any, list[str]]:
    """Return the colour of several series, told in a legend, and their names."""
    import altair as alt

    names = [plain(each["name"], NAME_LIMIT) for each in series]
    legend = alt.Legend(title=None) if len(series) > 1 else None
    colors = [COLORS[place % len(COLORS)] for place in range(len(series))]
    keys = [f"{place}" for place in range(len(series))]
    if legend is not None:
        # The place, not the name, tells series apart: two shortened names may be equal.
        texts = ", ".join(
            f"'{key}': {_quoted(name)}" for key, name in zip(keys, names, strict=True)
        )
        legend.labelExpr = f"({{{texts}}})[datum.label]"
    return alt.Color("series:N").scale(domain=keys, range=colors).legend(legend), keys


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _rows(grid: Sequence[Any], series: Sequence[Described], keys: Sequence[str]) -> list[Described]:
    return [
        {
            "series": key,
            "x": value,
            "y": each["values"][place],
            "low": each["low"][place] if each["low"] else each["values"][place],
            "high": each["high"][place] if each["high"] else each["values"][place],
        }
        for key, each in zip(keys, series, strict=True)
        for place, value in enumerate(grid)
    ]


def _over_numbers(
    grid: Sequence[float],
    series: Sequence[Described],
    x_title: str,
    y_title: str,
    label: str,
    thin: Sequence[Sequence[float]],
    marks: Sequence[float],
) -> str:
    import altair as alt

    color, keys = _color(series)
    data = chart_of(_rows(grid, series, keys))
    x = alt.X("x:Q").title(x_title).scale(zero=False, nice=False).axis(tickCount=5, grid=False)
    y = alt.Y("y:Q").title(y_title).scale(zero=False).axis(tickCount=5, gridColor=FAINT)
    layers: list[Any] = []
    if any(each["low"] for each in series):
        layers.append(
            data.mark_area(opacity=0.2).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=color)
        )
    if thin:
        curves = [
            {"curve": place, "x": value, "y": curve[index]}
            for place, curve in enumerate(thin)
            for index, value in enumerate(grid)
        ]
        layers.append(
            chart_of(curves)
            .mark_line(color=GRAY, opacity=0.35, strokeWidth=1)
            .encode(x=x, y=y, detail="curve:N")
        )
    layers.append(data.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=color))
    if marks:
        layers.append(
            chart_of([{"x": value} for value in marks])
            .mark_tick(color=INK, opacity=0.6, thickness=1, size=7, orient="vertical")
            .encode(x=x, y=alt.value(HEIGHT - 3))
        )
    return _svg(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT), label)


def _over_categories(
    labels: Sequence[str], series: Sequence[Described], y_title: str, label: str
) -> str:
    import altair as alt

    color, keys = _color(series)
    rows = _rows([f"{place:03d}" for place in range(len(labels))], series, keys)
    data = chart_of(rows)
    names = chart_of(
        [
            {"x": f"{place:03d}", "name": plain(text, NAME_LIMIT)}
            for place, text in enumerate(labels)
        ]
    )
    y = alt.Y("x:N").title(None).axis(None)
    x = alt.X("y:Q").title(y_title).scale(zero=False).axis(tickCount=4, gridColor=FAINT)
    chart = alt.layer(
        data.mark_rule(strokeWidth=2, opacity=0.5).encode(
            y=y, x=alt.X("low:Q"), x2="high:Q", color=color
        ),
        data.mark_point(filled=True, size=60, opacity=1).encode(y=y, x=x, color=color),
        names.mark_text(align="right", color=INK, limit=NAMES).encode(
            y=y, x=alt.value(-8), text="name:N"
        ),
    ).properties(width=WIDTH - 60, height=ROW * len(labels))
    return _svg(chart, label)


@_unchecked
def bars(items: Sequence[Described], x_title: str, label: str) -> str:
    """Return signed horizontal bars with their names, in the order given.

    Parameters
    ----------
    items : sequence of dict
        ``name`` and ``value``; with ``low`` and ``high`` also an interval.
    x_title, label : str
        Title, and the text alternative.
    """
    import altair as alt

    rows = [
        {
            "place": f"{place:03d}",
            "name": plain(item["name"], NAME_LIMIT + 16),
            "value": item["value"],
            "low": item.get("low", item["value"]),
            "high": item.get("high", item["value"]),
            "sign": "up" if item["value"] >= 0 else "down",
        }
        for place, item in enumerate(items)
    ]
    data = chart_of(rows)
    y = alt.Y("place:N").title(None).axis(None)
    x = alt.X("value:Q").title(x_title).axis(tickCount=5, gridColor=FAINT)
    color = alt.Color("sign:N").scale(domain=["up", "down"], range=[BLUE, RED]).legend(None)
    layers: list[Any] = [
        data.mark_bar(height={"band": 0.6}).encode(y=y, x=x, color=color),
        data.mark_text(align="right", color=INK, limit=NAMES + 60).encode(
            y=y, x=alt.value(-8), text="name:N"
        ),
    ]
    if any("low" in item for item in items):
        layers.insert(1, data.mark_rule(color=INK).encode(y=y, x=alt.X("low:Q"), x2="high:Q"))
    return _svg(alt.layer(*layers).properties(width=WIDTH, height=ROW * len(rows)), label)


@_unchecked
def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    empty: Sequence[Sequence[bool]],
    *,
    x_title: str,
    y_title: str,
    value_title: str,
    label: str,
    middle: float | None = None,
) -> str:
    """Return a map of values over two features, crossed where there are no data.

    Parameters
    ----------
    rows, columns : sequence of str
        Names of the values of each feature, [r] and [c]; the first row is the lowest.
    values : sequence of sequence of float
        [r][c]
    empty : sequence of sequence of bool
        Where there are no data, [r][c].
    x_title, y_title, value_title, label : str
        Titles, and the text alternative.
    middle : float, optional
        Value of the colour between low and high.
    """
    import altair as alt

    cells = [
        {"x": f"{c:03d}", "y": f"{r:03d}", "value": values[r][c], "empty": bool(empty[r][c])}
        for r in range(len(rows))
        for c in range(len(columns))
    ]
    data = chart_of(cells)

    def axis(names: Sequence[str], angle: int) -> alt.Axis:
        texts = ", ".join(
            f"'{place:03d}': {_quoted(plain(name, 16))}" for place, name in enumerate(names)
        )
        expression = f"({{{texts}}})[datum.label]"
        # Names that do not fit are left out.
        return alt.Axis(labelExpr=expression, labelAngle=angle, labelOverlap=True, grid=False)

    x = alt.X("x:N").title(x_title).axis(axis(columns, -40)).scale(padding=0)
    y = alt.Y("y:N").title(y_title).axis(axis(rows, 0)).sort("descending").scale(padding=0)
    scale: dict[str, Any] = {"range": list(LOW_TO_HIGH), "interpolate": "rgb"}
    if middle is not None:
        reach = max(abs(value - middle) for line in values for value in line) or 1.0
        scale["domain"] = [middle - reach, middle, middle + reach]
    else:
        known = [value for line in values for value in line]
        low, high = min(known), max(known)
        scale["domain"] = [low, (low + high) / 2, high if high > low else low + 1.0]
    legend = alt.Legend(title=value_title, titleLimit=400, gradientLength=160)
    color = alt.Color("value:Q").scale(alt.Scale(**scale)).legend(legend)
    side = max(14, min(34, MAP // max(len(rows), 1)))
    chart = alt.layer(
        data.mark_rect().encode(
            x=x,
            y=y,
            color=color,
            opacity=alt.condition("datum.empty", alt.value(0.35), alt.value(1.0)),
        ),
        data.transform_filter("datum.empty")
        .mark_text(text="×", color=INK, opacity=0.8, baseline="middle")
        .encode(x=x, y=y),
    ).properties(
        width=max(14, min(34, MAP // max(len(columns), 1))) * len(columns),
        height=side * len(rows),
    )
    return _svg(chart, label)
