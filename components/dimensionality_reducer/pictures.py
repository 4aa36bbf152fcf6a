"""The charts of a reduction: its components, how many it takes, its map and its losses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from components import naming
from components.charts import (
    BLUE,
    FAINT,
    GRAY,
    GREEN,
    INK,
    PURPLE,
    RED,
    RIMMED,
    chart_of,
    plain,
    svg,
)

if TYPE_CHECKING:
    import altair

Floats = NDArray[np.float64]

#: Pixels of a chart that stands alone, of its map, and of a chart among others.
WIDTH, HEIGHT, MAP_HEIGHT = 720, 260, 420
SMALL_WIDTH, SMALL_HEIGHT = 240, 200
#: Pixels of the names beside bars, and of a bar with the gap to the next.
NAMES, BAR = 200, 26
#: Pixels of a bar in a chart among others, with the gap to the next.
SMALL_BAR = 20
#: Pixels of a value in such a chart, and of a letter.
VALUE_WIDTH, LETTER = 66, 7
#: Pixels of an entry of a legend besides its text.
LEGEND_GAP = 26
#: Pixels of the chart of all components: at least, and more for each of them.
LEAST_WIDTH, BAR_WIDTH = 140, 44
#: Components in the chart of all.
MOST_COMPONENTS = 100
#: Components whose share is written above their bars.
MOST_TEXTS = 16
#: Loadings of a component.
MOST_LOADINGS = 8
#: Classes that have a colour of their own, and bars of slices.
MOST_CLASSES, MOST_SLICES = 10, 15
#: Points of the map: more are a carpet.
MOST_POINTS = 1000
#: Points further from the quartiles than this many interquartile ranges lie at the edge.
OUTLIER_RANGES = 4.0
#: A measure whose largest value is this many times the smallest has a log axis.
LOG_RATIO = 4.0
#: Ratio of two ticks of a log axis at least.
TICK_RATIO = 1.2
#: Share of a class's row that its points are spread over.
SPREAD = 0.7
#: Most characters of a name: beside bars, in a small chart, and in a legend.
NAME_LIMIT, SMALL_LIMIT, CLASS_LIMIT = 30, 24, 20

#: A fifth colour for what has no order.
AMBER = "#b08000"
COLORS = (BLUE, RED, GREEN, PURPLE, AMBER)
#: Not as many as colours, so that it takes long until a pair of both comes again.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
#: Shape and colour of each method.
MARKS = {
    "PCA": ("circle", BLUE),
    "LDA": ("square", RED),
    "PLS": ("triangle-up", GREEN),
    "SVD": ("diamond", PURPLE),
    "ICA": ("cross", AMBER),
    "NMF": ("triangle-down", GRAY),
}
#: From low to high, readable on light and on dark.
VALUE_RAMP = (BLUE, GRAY, RED)


def scores(values: Sequence[float], title: str, label: str, *, cumulative: bool) -> str:
    """Return bars of the components' scores, with their sum so far as a line.

    Parameters
    ----------
    values : sequence of float
        Finite, in the order of the components.
    title : str
        Of the axis.
    label : str
        Text alternative.
    cumulative : bool
        Whether the scores are parts of a whole.
    """
    import altair as alt

    kept = list(values[:MOST_COMPONENTS])
    sums = np.cumsum(kept).tolist()
    rows = [
        {"place": place, "score": score, "sum": total, "text": percent(score)}
        for place, (score, total) in enumerate(zip(kept, sums, strict=True))
    ]
    data = chart_of(rows)
    most = max(sums[-1] if cumulative else max(kept), 0.01)
    x = (
        alt.X("place:O")
        .title("component")
        .axis(labelAngle=0, labelOverlap=True, grid=False, ticks=False)
    )
    y = (
        alt.Y("score:Q")
        .title(title)
        .scale(domain=[0, most * 1.04], nice=False)
        .axis(format="%", tickCount=5)
    )
    layers: list[Any] = [
        data.mark_bar(color=BLUE, opacity=0.85, width={"band": 0.7}).encode(x=x, y=y)
    ]
    if cumulative:
        so_far = alt.Y("sum:Q")
        which = "together" if len(kept) == len(values) else f"the first {len(kept)}"
        end = chart_of([rows[-1] | {"text": f"{which} {percent(sums[-1])}"}])
        layers += [
            data.mark_line(color=RED, strokeWidth=2).encode(x=x, y=so_far),
            end.mark_text(align="right", dx=8, dy=-10, color=RIMMED, fontWeight="bold").encode(
                x=x, y=so_far, text="text:N"
            ),
        ]
    if len(rows) <= MOST_TEXTS:
        layers.append(data.mark_text(dy=-8, color=RIMMED).encode(x=x, y=y, text="text:N"))
    width = min(WIDTH, LEAST_WIDTH + BAR_WIDTH * len(rows))
    return svg(alt.layer(*layers).properties(width=width, height=HEIGHT), label)


def candidates(
    tried: Sequence[tuple[str, int, float]],
    title: str,
    label: str,
    *,
    higher: bool,
    reference: float | None,
    half: int,
    chosen: tuple[str, int] | None,
) -> str:
    """Return a measure against the number of components, a line for each method.

    Parameters
    ----------
    tried : sequence of (str, int, float)
        Name of the method, its number of components, and the measure, which is finite.
    title : str
        Of the measure.
    label : str
        Text alternative.
    higher : bool
        Whether more is better.
    reference : float or None
        The measure without reduction.
    half : int
        Half of the dimensions.
    chosen : (str, int) or None
        The method and its number of components that were taken.
    """
    import altair as alt

    rows = [{"method": method, "components": size, "value": value} for method, size, value in tried]
    names = [name for name in MARKS if name in {method for method, _, _ in tried}]
    sizes = sorted({size for _, size, _ in tried} | {half})
    values = [value for *_, value in tried] + ([] if reference is None else [reference])
    x = (
        alt.X("components:Q")
        .title("components")
        .scale(type="log", base=2, nice=False, domain=[sizes[0] / 1.15, sizes[-1] * 1.15])
        .axis(values=_ticks(sizes, half), grid=False, format="d")
    )
    scale = _linear(values) if higher else _loss(values)
    y = alt.Y("value:Q").title(title).scale(**scale).axis(tickCount=5)
    color = (
        alt.Color("method:N")
        .scale(domain=names, range=[MARKS[name][1] for name in names])
        .legend(title=None, columns=3)
    )
    shape = alt.Shape("method:N").scale(domain=names, range=[MARKS[name][0] for name in names])
    mark, data = chart_of([{"components": half, "text": "half"}]), chart_of(rows)
    # Lines come from the corner of few components and a poor measure.
    empty = alt.value(SMALL_HEIGHT - 7 if higher else 7)
    layers: list[Any] = [
        mark.mark_rule(color=INK, strokeDash=[2, 3], opacity=0.6).encode(x=x),
        mark.mark_text(align="right", dx=-3, color=RIMMED).encode(x=x, y=empty, text="text:N"),
    ]
    if reference is not None:
        rule = chart_of([{"value": reference, "text": ["without", "reduction"]}])
        layers += [
            rule.mark_rule(color=INK, strokeDash=[5, 4], opacity=0.7).encode(y=y),
            rule.mark_text(align="left", dx=4, dy=-3, color=INK, fontSize=11).encode(
                x=alt.value(SMALL_WIDTH), y=y, text="text:N"
            ),
        ]
    layers += [
        data.mark_line(strokeWidth=1.5, opacity=0.6).encode(x=x, y=y, color=color),
        data.mark_point(size=40, filled=True, opacity=0.9).encode(
            x=x, y=y, color=color, shape=shape
        ),
    ]
    taken = [item for item in tried if item[:2] == chosen]
    for method, size, value in taken:
        point = chart_of([{"components": size, "value": value, "text": f"{method} {size}"}])
        right = math.sqrt(sizes[0] * sizes[-1]) < size
        align: Literal["right", "left"] = "right" if right else "left"
        layers += [
            point.mark_point(size=190, color=INK, strokeWidth=2.2, filled=False).encode(x=x, y=y),
            point.mark_text(
                align=align,
                dx=8 if right else -8,
                dy=-16 if higher else 17,
                fontWeight="bold",
                color=RIMMED,
            ).encode(x=x, y=y, text="text:N"),
        ]
    chart = alt.layer(*layers).properties(width=SMALL_WIDTH, height=SMALL_HEIGHT)
    return svg(chart, label)


def loadings(items: Sequence[tuple[str, float]], longest: int, label: str) -> str:
    """Return bars of a component's largest loadings.

    Parameters
    ----------
    items : sequence of (str, float)
        Feature and loading, the largest in absolute value first.
    longest : int
        Characters of the longest name in all charts that this one is to align with.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {
            "place": f"{place:02d}",
            "name": plain(name, SMALL_LIMIT),
            "value": value,
            "text": f"{value:.3g}",
            "side": "raises" if value >= 0 else "lowers",
        }
        for place, (name, value) in enumerate(items[:MOST_LOADINGS])
    ]
    data = chart_of(rows)
    values = [0.0, *(value for _, value in items[:MOST_LOADINGS])]
    x = alt.X("value:Q").axis(None).scale(nice=False, domain=[min(values), max(values)])
    # Short names may be of wide letters only.
    names = LETTER * (min(longest, SMALL_LIMIT) + 3)
    # The place, not the name, is what tells bars apart: two shortened names may be equal.
    y = alt.Y("place:N").title(None).axis(None)
    color = alt.Color("side:N").scale(domain=["raises", "lowers"], range=[BLUE, RED]).legend(None)
    chart = alt.layer(
        data.mark_bar(opacity=0.85, height={"band": 0.66}).encode(y=y, x=x, color=color),
        chart_of([{"value": 0}]).mark_rule(color=INK, opacity=0.5).encode(x=x),
        data.mark_text(align="right", color=INK, limit=names).encode(
            y=y, x=alt.value(-VALUE_WIDTH), text="name:N"
        ),
        data.mark_text(align="right", color=INK, fontSize=11).encode(
            y=y, x=alt.value(-8), text="text:N"
        ),
    ).properties(
        width=SMALL_WIDTH * 0.45,
        height=SMALL_BAR * len(rows),
        autosize="none",
        padding={"left": VALUE_WIDTH + names, "right": 4, "top": 4, "bottom": 4},
    )
    return svg(chart, label)


def class_map(points: Floats, classes: Sequence[str], axes: Sequence[str], label: str) -> str:
    """Return rows on two components, with the shape and the colour of their class.

    Parameters
    ----------
    points : array, shape (n, 2)
    classes : sequence of str
        Of each row.
    axes : sequence of str
    label : str
        Text alternative.
    """
    import altair as alt

    names = legend(classes)
    groups = [names.get(name, _others(classes)) for name in classes]
    rows = _points(points, groups)
    x, y = _axes(points, axes)
    texts = [
        {"x": middle[0], "y": middle[1], "text": name}
        for name, middle in _apart(_middles(points, groups, list(names.values())), points)
    ]
    chart = alt.layer(
        _marks(chart_of(rows), len(rows)).encode(x=x, y=y, **_style(classes)),
        chart_of(texts)
        .mark_text(color=RIMMED, fontWeight="bold", fontSize=14)
        .encode(x=x, y=y, text="text:N"),
    ).properties(width=WIDTH, height=MAP_HEIGHT)
    return svg(chart, label)


def value_map(points: Floats, values: Floats, axes: Sequence[str], label: str) -> str:
    """Return rows on two components, coloured by a number.

    Parameters
    ----------
    points : array, shape (n, 2)
    values : array, shape (n,)
    axes : sequence of str
    label : str
        Text alternative.
    """
    import altair as alt

    low, high = limits(values)
    rows = [
        row | {"value": value} for row, value in zip(_points(points), values.tolist(), strict=True)
    ]
    color = (
        alt.Color("value:Q")
        .scale(
            domain=[low, (low + high) / 2, high],
            range=list(VALUE_RAMP),
            clamp=True,
            interpolate="rgb",
        )
        .legend(title="label", gradientLength=240, tickCount=5)
    )
    x, y = _axes(points, axes)
    chart = (
        _marks(chart_of(rows), len(rows))
        .encode(x=x, y=y, color=color)
        .properties(width=WIDTH, height=MAP_HEIGHT)
    )
    return svg(chart, label)


def class_strips(values: Floats, classes: Sequence[str], axis: str, label: str) -> str:
    """Return rows on one component, a strip for each class, with its median.

    Parameters
    ----------
    values : array, shape (n,)
    classes : sequence of str
        Of each row.
    axis : str
    label : str
        Text alternative.
    """
    import altair as alt

    names = legend(classes)
    others = _others(classes)
    groups = [names.get(name, others) for name in classes]
    places = {name: place for place, name in enumerate([*names.values(), others])}
    lanes = [*names.values(), *([others] if others in groups else [])]
    # Multiples of the golden ratio spread evenly, however many of them there are.
    jitter = [((index * 0.618034) % 1 - 0.5) * SPREAD for index in range(len(groups))]
    pairs = np.array(
        [
            [value, places[group] + shift]
            for value, group, shift in zip(values.tolist(), groups, jitter, strict=True)
        ]
    )
    rows = _points(pairs, groups)
    x, _ = _axes(pairs, [axis, ""])
    y = alt.Y("y:Q").axis(None).scale(domain=[len(lanes) - 0.5, -0.5], nice=False, zero=False)
    middles = [
        {"x": middle[0], "y": places[name] - 0.45, "end": places[name] + 0.45}
        for name, middle in _middles(pairs, groups, lanes)
    ]
    texts = [{"y": places[name], "text": name} for name in lanes]
    style = _style(classes)
    style["color"] = style["color"].legend(None)
    style["shape"] = style["shape"].legend(None)
    chart = alt.layer(
        _marks(chart_of(rows), len(rows)).encode(x=x, y=y, **style),
        chart_of(middles).mark_rule(color=INK, strokeWidth=2.5).encode(x=x, y=y, y2="end:Q"),
        chart_of(texts)
        .mark_text(align="right", color=INK)
        .encode(x=alt.value(-8), y=y, text="text:N"),
    ).properties(width=WIDTH - NAMES, height=44 * len(lanes))
    return svg(chart, label)


def value_strip(values: Floats, labels: Floats, axis: str, label: str) -> str:
    """Return a number against the only component.

    Parameters
    ----------
    values, labels : array, shape (n,)
        The component and the number.
    axis : str
    label : str
        Text alternative.
    """
    pairs = np.stack([values, labels], axis=1)
    x, y = _axes(pairs, [axis, "label"])
    chart = (
        _marks(chart_of(_points(pairs)), len(pairs))
        .encode(x=x, y=y)
        .properties(width=WIDTH, height=HEIGHT)
    )
    return svg(chart, label)


def losses(slices: Sequence[tuple[str, int, float]], overall: float | None, label: str) -> str:
    """Return bars of what is lost of each slice, with the number of its rows.

    Parameters
    ----------
    slices : sequence of (str, int, float)
        Name, rows, and the share of the variance that is lost, which is finite.
    overall : float or None
        The share of all rows.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {
            "place": f"{place:02d}",
            "name": plain(name, NAME_LIMIT),
            "error": error,
            "text": f"{percent(error)} ({size:,} {'row' if size == 1 else 'rows'})",
        }
        for place, (name, size, error) in enumerate(slices[:MOST_SLICES])
    ]
    data, width = chart_of(rows), WIDTH - NAMES - 110
    y = alt.Y("place:N").title(None).axis(None)
    most = max([*(error for *_, error in slices), overall or 0.0]) or 1.0
    x = (
        alt.X("error:Q")
        .title("share of the variance that is lost")
        .scale(domain=[0, most * 1.02], nice=False)
        .axis(format="%", tickCount=5)
    )
    layers: list[Any] = [
        data.mark_bar(color=BLUE, height={"band": 0.62}, opacity=0.85).encode(y=y, x=x)
    ]
    if overall is not None:
        rule = chart_of([{"error": overall, "text": f"overall {percent(overall)}"}])
        layers += [
            rule.mark_rule(color=INK, strokeDash=[5, 4], opacity=0.7).encode(x=x),
            rule.mark_text(dy=-8, color=INK).encode(x=x, y=alt.value(0), text="text:N"),
        ]
    layers += [
        data.mark_text(align="right", color=INK).encode(y=y, x=alt.value(-8), text="name:N"),
        data.mark_text(align="left", color=INK).encode(y=y, x=alt.value(width + 8), text="text:N"),
    ]
    chart = alt.layer(*layers).properties(width=width, height=BAR * len(rows))
    return svg(chart, label)


def legend(classes: Sequence[str]) -> dict[str, str]:
    """Return the classes that have a colour, the most frequent ones, and their short names."""
    frequent = [name for name, _ in Counter(classes).most_common(MOST_CLASSES)]
    return naming.distinct(_ordered(frequent), lambda name: plain(name, CLASS_LIMIT))


def limits(values: Floats) -> tuple[float, float]:
    """Return the range of values, without those that are far outliers."""
    low, high = np.quantile(values, [0.25, 0.75])
    reach = OUTLIER_RANGES * float(high - low)
    least, most = float(values.min()), float(values.max())
    if reach == 0:
        return least, most
    return max(least, float(low) - reach), min(most, float(high) + reach)


def outliers(points: Floats) -> int:
    """Return how many of the points [n, 1 or 2] are drawn at the edge."""
    clipped = np.stack([np.clip(axis, *limits(axis)) for axis in points.T], axis=1)
    return int((clipped != points).any(axis=1).sum())


def percent(share: float) -> str:
    """Return a share for people.

    Examples
    --------
    >>> percent(0.0321), percent(1.0), percent(0.0), percent(0.0004), percent(0.9999)
    ('3.2%', '100%', '0%', '< 0.1%', '> 99.9%')
    """
    if 0 < share < 0.0005:
        return "< 0.1%"
    if 0.9995 <= share < 1:
        return "> 99.9%"
    return f"{share:.1%}" if share not in (0, 1) else f"{share:.0%}"


def _ordered(names: Iterable[str]) -> list[str]:
    """Return names in the order of people: numbers by their size."""

    def key(name: str) -> tuple[float, str]:
        try:
            value = float(name)
        except ValueError:
            value = math.inf
        return (value if math.isfinite(value) else math.inf, name)

    return sorted(names, key=key)


def _others(classes: Sequence[str]) -> str:
    return f"{len(set(classes)) - MOST_CLASSES} others"


def _style(classes: Sequence[str]) -> dict[str, Any]:
    """Return the encoding of classes by colour and shape."""
    import altair as alt

    names = list(legend(classes).values())
    colors = [COLORS[place % len(COLORS)] for place in range(len(names))]
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(names))]
    if len(set(classes)) > len(names):
        names, colors, shapes = [*names, _others(classes)], [*colors, GRAY], [*shapes, "circle"]
    columns = max(1, int(WIDTH / (LEGEND_GAP + LETTER * max(map(len, names)))))
    return {
        "color": alt.Color("group:N")
        .scale(domain=names, range=colors)
        .legend(title=None, columns=columns),
        "shape": alt.Shape("group:N").scale(domain=names, range=shapes),
    }


def _points(points: Floats, groups: Sequence[str] | None = None) -> list[dict[str, Any]]:
    digits = [_digits(axis) for axis in points.T]
    rows = [
        {name: round(value, places) for name, value, places in zip("xy", row, digits, strict=True)}
        for row in points.tolist()
    ]
    if groups is None:
        return rows
    return [row | {"group": group} for row, group in zip(rows, groups, strict=True)]


def _digits(values: Floats) -> int:
    """Return the digits after the point that can be seen in a chart."""
    spread = float(np.ptp(values))
    return 4 - math.floor(math.log10(spread)) if spread > 0 else 4


def _marks(chart: altair.Chart, count: int) -> altair.Chart:
    few = count <= 300
    marked: altair.Chart = chart.mark_point(
        size=45 if few else 28, filled=True, opacity=0.75 if few else 0.6
    )
    return marked


def _axes(points: Floats, titles: Sequence[str]) -> tuple[altair.X, altair.Y]:
    import altair as alt

    style: dict[str, Any] = {"tickCount": 6, "gridColor": FAINT}
    scales: list[dict[str, Any]] = [
        {"domain": _padded(*limits(axis)), "clamp": True, "zero": False, "nice": False}
        for axis in points.T
    ]
    x, y = (plain(title, NAME_LIMIT) for title in titles)
    return (
        alt.X("x:Q").title(x).scale(**scales[0]).axis(**style),
        alt.Y("y:Q").title(y).scale(**scales[1]).axis(**style),
    )


def _middles(
    points: Floats, groups: Sequence[str], names: Sequence[str]
) -> list[tuple[str, list[float]]]:
    """Return the medians of each group."""
    own = np.array(groups)
    return [(name, np.median(points[own == name], axis=0).tolist()) for name in names]


def _apart(
    texts: Sequence[tuple[str, list[float]]], points: Floats
) -> list[tuple[str, list[float]]]:
    """Return the texts that do not touch an earlier one."""
    spans = [high - low or 1.0 for low, high in (limits(axis) for axis in points.T)]
    kept: list[tuple[str, list[float]]] = []
    for text, place in texts:
        if all(
            abs(place[0] - other[0]) / spans[0] * WIDTH > 4.5 * (len(text) + len(before))
            or abs(place[1] - other[1]) / spans[1] * MAP_HEIGHT > 18
            for before, other in kept
        ):
            kept.append((text, place))
    return kept


def _ticks(sizes: Sequence[int], half: int) -> list[int]:
    """Return the sizes that a log axis has room for; half of the dimensions is one."""
    kept = [half]
    for size in sizes:
        if all(max(size, other) >= TICK_RATIO * min(size, other) for other in kept):
            kept.append(size)
    return kept


def _linear(values: Sequence[float]) -> dict[str, Any]:
    return {"zero": False, "nice": False, "domain": _padded(min(values), max(values))}


def _loss(values: Sequence[float]) -> dict[str, Any]:
    """Return a log scale where small losses could not be told apart on a linear one."""
    least, most = min(values), max(values)
    if least > 0 and most > LOG_RATIO * least:
        return {"type": "log", "nice": False, "domain": [least / 1.6, most * 1.15]}
    # Below the least there is room for a text.
    return {"zero": False, "nice": False, "domain": _padded(least - 0.08 * (most - least), most)}


def _padded(least: float, most: float) -> list[float]:
    margin = 0.05 * (most - least) or 0.05 * abs(most) or 1.0
    return [least - margin, most + margin]
