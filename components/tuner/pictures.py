"""The charts of a search: its progress, its space, what matters, its front and its curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.charts import (
    BLUE,
    FAINT,
    GRAY,
    GREEN,
    INK,
    PURPLE,
    RAMP,
    RED,
    RIMMED,
    chart_of,
    plain,
    svg,
)
from components.page import number, shown
from components.pareto import front
from components.tuner.importance import STRATEGY_PREFIX, is_logarithmic, is_number
from components.tuner.trials import Trial

Floats = NDArray[np.float64]

#: Pixels.
WIDTH, HEIGHT = 720, 300
#: Hyperparameters in one picture of the space, and categories of one of them.
MOST_AXES, MOST_CATEGORIES = 10, 10
#: Scored trials in the picture of the space: more are a carpet.
MOST_LINES = 200
#: Bars of importance.
MOST_BARS = 12
#: Learning curves, and points of each.
MOST_CURVES, MOST_POINTS = 10, 100
#: Pixels between two axes of the space, and the most characters of a text there.
AXIS_GAP, AXIS_TEXT = 96, 13
#: Where inactive values lie below an axis of height 1.
INACTIVE = -0.16
#: Share of the way between two categories that the lines through one are spread over.
SPREAD = 0.5
#: Values further below the lower quartile than this many interquartile ranges lie at the edge.
OUTLIER_RANGES = 3.0
#: Factor by which a log axis reaches beyond the values.
LOG_MARGIN = 1.3
TEXT_LIMIT = 30
#: Shape and colour of each state; in words for the legend.
STATES = {
    "complete": ("complete", "circle", BLUE),
    "stopped": ("stopped early", "triangle-down", GREEN),
    "diverged": ("diverged", "cross", RED),
    "out_of_memory": ("out of memory", "square", PURPLE),
    "crashed": ("crashed", "diamond", RED),
    "unfinished": ("unfinished", "triangle-up", GRAY),
}


@dataclass(frozen=True)
class Measure:
    """One number of each trial, and which end of it is better.

    Attributes
    ----------
    name : str
        A metric; empty for the score of several objectives.
    higher : bool
    """

    name: str
    higher: bool

    @property
    def title(self) -> str:
        """What it is, for people."""
        return plain(self.name, TEXT_LIMIT) if self.name else "score (weighted gain)"

    def of(self, trial: Trial) -> float | None:
        """Return the trial's value; None if it has none."""
        value = trial.metrics.get(self.name) if self.name else trial.score
        return value if value is not None and math.isfinite(value) else None

    def better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another."""
        return one > other if self.higher else one < other


def progress(trials: Sequence[Trial], measure: Measure, default: Trial | None, label: str) -> str:
    """Return a chart of each trial's value when it ended, and of the best so far.

    Trials without a value are at the lower edge.

    Parameters
    ----------
    trials : sequence of Trial
    measure : Measure
    default : Trial or None
        The configured model, whose value is a line.
    label : str
        Text alternative.
    """
    import altair as alt

    points: list[dict[str, Any]] = []
    steps: list[dict[str, float]] = []
    best: float | None = None
    ended = sorted(trials, key=lambda trial: trial.started + trial.seconds)
    for trial in ended:
        seconds = trial.started + trial.seconds
        value = measure.of(trial) if trial.score is not None else None
        points.append({"seconds": seconds, "value": value, "state": STATES[trial.state][0]})
        if value is not None and (best is None or measure.better(value, best)):
            best = value
            steps.append({"seconds": seconds, "value": best})
    if best is not None:
        steps.append({"seconds": points[-1]["seconds"], "value": best})
    values = np.array([p["value"] for p in points if p["value"] is not None], dtype=np.float64)
    domain = _padded(*_fences(values, measure)) if len(values) else [0.0, 1.0]
    used = [state for state in STATES.values() if state[0] in {p["state"] for p in points}]
    names = [state[0] for state in used]
    x = alt.X("seconds:Q").title("seconds since the start").axis(grid=False, tickCount=8)
    y = (
        alt.Y("value:Q")
        .title(measure.title)
        .scale(domain=domain, clamp=True, zero=False, nice=False)
    )
    marks = chart_of([p for p in points if p["value"] is not None])
    failed = chart_of([p for p in points if p["value"] is None])
    style: dict[str, Any] = {
        "color": alt.Color("state:N")
        .scale(domain=names, range=[state[2] for state in used])
        .title(None),
        "shape": alt.Shape("state:N").scale(domain=names, range=[state[1] for state in used]),
    }
    layers = [
        marks.mark_point(size=55, filled=True, opacity=0.75).encode(x=x, y=y, **style),
        failed.mark_point(size=70, filled=True).encode(x=x, y=alt.value(HEIGHT - 6), **style),
        chart_of(steps)
        .mark_line(interpolate="step-after", color=RED, strokeWidth=2.5)
        .encode(x=x, y=y),
    ]
    start = measure.of(default) if default is not None else None
    if start is not None:
        reference = chart_of([{"value": start, "text": "configured model"}])
        layers += [
            reference.mark_rule(color=INK, strokeDash=[5, 4], opacity=0.7).encode(y=y),
            reference.mark_text(align="right", dx=-4, dy=-7, color=RIMMED).encode(
                x=alt.value(WIDTH), y=y, text="text:N"
            ),
        ]
    return svg(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT), label)


def space(
    trials: Sequence[Trial],
    measure: Measure,
    names: Sequence[str],
    label: str,
) -> str:
    """Return parallel coordinates: a line for each trial through its hyperparameters.

    Parameters
    ----------
    trials : sequence of Trial
        Scored ones, the best first.
    measure : Measure
        The last axis, and the colour.
    names : sequence of str
        Hyperparameters, an axis each.
    label : str
        Text alternative.
    """
    import altair as alt

    kept = list(trials[:MOST_LINES])
    goodness = _goodness(kept, measure)
    axes = [_axis(name, [trial.values.get(name) for trial in kept], goodness) for name in names]
    values = np.array([measure.of(trial) for trial in kept], dtype=np.float64)
    results = np.clip(values, *_fences(values, measure)).tolist()
    axes.append(_number_axis(measure.title, results, digits=4, better_up=measure.higher))
    lines = [
        {"trial": index, "axis": place, "y": axis.places[index], "good": goodness[index]}
        for index in reversed(range(len(kept)))
        for place, axis in enumerate(axes)
        if axis.places[index] is not None
    ]
    ticks = [
        {"axis": place, "y": y, "text": plain(text, AXIS_TEXT)}
        for place, axis in enumerate(axes)
        for y, text in axis.ticks
    ]
    titles = [
        {"axis": place, "text": plain(axis.name, AXIS_TEXT + 3), "row": 1.14 + 0.07 * (place % 2)}
        for place, axis in enumerate(axes)
    ]
    width = AXIS_GAP * max(len(axes) - 1, 1)
    x = alt.X("axis:Q").axis(None).scale(domain=[0, max(len(axes) - 1, 1)], nice=False)
    low = INACTIVE if any(axis.has_inactive for axis in axes) else 0.0
    y = alt.Y("y:Q").axis(None).scale(domain=[low - 0.02, 1.02], nice=False)
    base = chart_of(lines)
    rails = chart_of([{"axis": place} for place in range(len(axes))])
    texts = chart_of(ticks)
    color = alt.Color("good:Q").legend(None).scale(domain=[0, 1], range=list(RAMP))
    chart = alt.layer(
        rails.mark_rule(color=FAINT, strokeWidth=1).encode(
            x=x, y=alt.YDatum(0).axis(None), y2=alt.Y2Datum(1)
        ),
        base.transform_filter("datum.trial != 0")
        .mark_line(strokeWidth=1.3, opacity=0.55)
        .encode(x=x, y=y, detail="trial:N", order="axis:Q", color=color),
        base.transform_filter("datum.trial == 0")
        .mark_line(strokeWidth=3.2, color=RED, point={"color": RED, "size": 40})
        .encode(x=x, y=y, order="axis:Q"),
        texts.mark_text(align="left", dx=5, fontSize=11, color=RIMMED).encode(
            x=x, y=y, text="text:N"
        ),
        chart_of(titles)
        .mark_text(fontWeight="bold", align="center", color=INK)
        .encode(x=x, y=alt.Y("row:Q").axis(None), text="text:N"),
    ).properties(width=width, height=HEIGHT)
    return svg(chart, label)


def importances(items: Sequence[dict[str, Any]], label: str) -> str:
    """Return bars of each hyperparameter's share, with its deviation.

    Parameters
    ----------
    items : sequence of dict
        ``name``, ``share`` and ``deviation``, the largest share first.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {
            "place": f"{place:02d}",
            "name": plain(item["name"], TEXT_LIMIT),
            "share": item["share"],
            "low": max(item["share"] - item["deviation"], 0.0),
            "high": min(item["share"] + item["deviation"], 1.0),
            "text": f"{item['share']:.0%}" if item["share"] >= 0.01 else "< 1%",
        }
        for place, item in enumerate(items[:MOST_BARS])
    ]
    data = chart_of(rows)
    # The place, not the name, is what tells bars apart: two shortened names may be equal.
    y = alt.Y("place:N").title(None).axis(None)
    most = max(max(row["high"] for row in rows), 0.01)
    x = alt.X("share:Q").title("share of the score's variance").scale(domain=[0, most])
    chart = alt.layer(
        data.mark_bar(color=BLUE, height={"band": 0.62}, opacity=0.85).encode(
            y=y, x=x.axis(format="%", grid=True, tickCount=5)
        ),
        data.mark_rule(color=INK, strokeWidth=1.5, opacity=0.8).encode(y=y, x="low:Q", x2="high:Q"),
        data.mark_tick(color=INK, size=9, thickness=1.5, opacity=0.8).encode(y=y, x="low:Q"),
        data.mark_tick(color=INK, size=9, thickness=1.5, opacity=0.8).encode(y=y, x="high:Q"),
        data.mark_text(align="right", color=INK, limit=230).encode(
            y=y, x=alt.value(-8), text="name:N"
        ),
        data.mark_text(align="left", dx=6, color=RIMMED).encode(y=y, x="high:Q", text="text:N"),
    ).properties(width=WIDTH - 240, height=26 * len(rows))
    return svg(chart, label)


def trade_off(
    trials: Sequence[Trial],
    one: Measure,
    other: Measure,
    *,
    best: str | None,
    default: str | None,
    label: str,
) -> str:
    """Return a chart of two objectives, with the front of these two as a line.

    Parameters
    ----------
    trials : sequence of Trial
        Scored ones.
    one, other : Measure
        The vertical axis and the horizontal one.
    best, default : str or None
        Ids of trials that are named.
    label : str
        Text alternative.
    """
    import altair as alt

    known = [t for t in trials if one.of(t) is not None and other.of(t) is not None]
    pairs = np.array([[one.of(t), other.of(t)] for t in known], dtype=np.float64).reshape(-1, 2)
    kept = front(pairs, [one.higher, other.higher])
    kinds = ("on the front", "not on the front")
    rows = [
        {"x": pair[1], "y": pair[0], "kind": kinds[0] if keep else kinds[1]}
        for pair, keep in zip(pairs.tolist(), kept.tolist(), strict=True)
    ]
    named: dict[int, str] = {}
    for text, trial_id in (("best", best), ("configured model", default)):
        for index, trial in enumerate(known):
            if trial.id == trial_id:
                named[index] = f"{named[index]}, {text}" if index in named else text
    texts = [{"x": rows[i]["x"], "y": rows[i]["y"], "text": text} for i, text in named.items()]
    x = alt.X("x:Q").title(other.title).scale(**_scale(pairs[:, 1])).axis(**_ticks(pairs[:, 1]))
    y = alt.Y("y:Q").title(one.title).scale(**_scale(pairs[:, 0])).axis(**_ticks(pairs[:, 0]))
    interpolate: Literal["step-before", "step-after"] = (
        "step-before" if other.higher else "step-after"
    )
    points = chart_of(rows)
    chart = alt.layer(
        chart_of([row for row in rows if row["kind"] == kinds[0]])
        .mark_line(interpolate=interpolate, color=RED, strokeWidth=2)
        .encode(x=x, y=y, order="x:Q"),
        points.mark_point(size=70, filled=True, opacity=0.85).encode(
            x=x,
            y=y,
            color=alt.Color("kind:N").scale(domain=list(kinds), range=[RED, GRAY]).title(None),
            shape=alt.Shape("kind:N").scale(domain=list(kinds), range=["diamond", "circle"]),
        ),
        chart_of(texts)
        .mark_text(dy=-12, color=RIMMED, fontWeight="bold")
        .encode(x=x, y=y, text="text:N"),
    ).properties(width=WIDTH, height=HEIGHT)
    return svg(chart, label)


def curves(trials: Sequence[Trial], label: str) -> str:
    """Return the validation loss of trials over their epochs, the best trial emphasised.

    Parameters
    ----------
    trials : sequence of Trial
        With curves, the best first.
    label : str
        Text alternative.
    """
    import altair as alt

    rows = [
        {"trial": place, "epoch": epoch, "loss": loss, "good": 1 - place / MOST_CURVES}
        for place, trial in reversed(list(enumerate(trials)))
        for epoch, loss in _thinned(trial.curve)
    ]
    losses = np.array([row["loss"] for row in rows])
    epochs = np.array([float(row["epoch"]) for row in rows])
    ends = [
        {"epoch": epoch, "loss": loss, "text": f"trial {plain(trial.id, 12)}"}
        for trial in trials[:1]
        for epoch, loss in _thinned(trial.curve)[-1:]
    ]
    y_scale = _scale(losses)
    if "type" not in y_scale:
        domain = _padded(*_fences(losses, Measure("loss", higher=False)))
        y_scale |= {"domain": domain, "clamp": True}
    x = (
        alt.X("epoch:Q")
        .title("epoch; of tree ensembles, batch of trees")
        .scale(**_scale(epochs))
        .axis(grid=False, tickMinStep=1, format="d")
    )
    y = alt.Y("loss:Q").title("validation loss").scale(**y_scale).axis(**_ticks(losses))
    base = chart_of(rows)
    chart = alt.layer(
        base.transform_filter("datum.trial != 0")
        .mark_line(strokeWidth=1.5, opacity=0.75)
        .encode(
            x=x,
            y=y,
            detail="trial:N",
            color=alt.Color("good:Q").legend(None).scale(domain=[0, 1], range=list(RAMP)),
        ),
        base.transform_filter("datum.trial == 0")
        .mark_line(strokeWidth=3, color=RED, point={"color": RED, "size": 25})
        .encode(x=x, y=y),
        chart_of(ends)
        .mark_text(align="left", dx=8, color=RIMMED, fontWeight="bold")
        .encode(x=x, y=y, text="text:N"),
    ).properties(width=WIDTH, height=HEIGHT)
    return svg(chart, label)


def axes_of(trials: Sequence[Trial], items: Sequence[dict[str, Any]]) -> list[str]:
    """Return the hyperparameters to show: those that vary, the most important ones first.

    Parameters
    ----------
    trials : sequence of Trial
        Scored ones.
    items : sequence of dict
        The importance of some, the largest first.
    """
    known = dict.fromkeys(name for trial in trials for name in trial.values)
    names = dict.fromkeys([*(str(item["name"]) for item in items if item["name"] in known), *known])
    return [
        name
        for name in names
        if not name.startswith(STRATEGY_PREFIX)
        and len({str(trial.values[name]) for trial in trials if name in trial.values}) > 1
    ]


@dataclass(frozen=True)
class _Axis:
    """An axis of the space: the place of each trial, in [0, 1] or `INACTIVE`, and its ticks."""

    name: str
    places: Sequence[float | None]
    ticks: list[tuple[float, str]]
    has_inactive: bool = False


def _axis(name: str, values: list[Any], goodness: Floats) -> _Axis:
    known = [value for value in values if value is not None]
    if all(is_number(value) for value in known):
        axis = _number_axis(name, values)
    else:
        axis = _category_axis(name, values, goodness)
    if len(known) == len(values):
        return axis
    places = [INACTIVE if place is None else place for place in axis.places]
    return _Axis(name, places, [*axis.ticks, (INACTIVE, "inactive")], has_inactive=True)


def _number_axis(name: str, values: list[Any], *, digits: int = 2, better_up: bool = True) -> _Axis:
    known = [float(value) for value in values if value is not None]
    logarithmic = is_logarithmic(known)
    low, high = min(known), max(known)

    def place(value: float) -> float:
        if high == low:
            return 0.5
        ends = [math.log(v) if logarithmic else v for v in (low, high, value)]
        share = (ends[2] - ends[0]) / (ends[1] - ends[0])
        return share if better_up else 1 - share

    levels = sorted(set(known))
    few = len(levels) <= MOST_CATEGORIES
    inside = (_decades if logarithmic else _round_numbers)(low, high)
    marks = levels if few else [low, *inside, high]
    ticks: list[tuple[float, str]] = []
    # The ends first: what would touch a tick that is there already is left out.
    for mark in sorted(marks, key=lambda mark: mark not in (low, high)):
        if all(abs(place(mark) - other) > 0.05 for other, _ in ticks):
            ticks.append((place(mark), number(mark) if few else f"{mark:.{digits}g}"))
    return _Axis(name, [None if v is None else place(float(v)) for v in values], ticks)


def _category_axis(name: str, values: list[Any], goodness: Floats) -> _Axis:
    texts = [None if value is None else shown(value) for value in values]
    counts = Counter(text for text in texts if text is not None)
    kept = sorted(text for text, _ in counts.most_common(MOST_CATEGORIES))
    others = len(counts) - len(kept)
    names = [*kept, *([f"{others} others"] if others else [])]
    step = 1 / len(names)
    middle = {text: (index + 0.5) * step for index, text in enumerate(kept)}
    # Lines through one category lie side by side, the good ones above.
    places = [
        None if text is None else middle.get(text, 1 - step / 2) + (good - 0.5) * step * SPREAD
        for text, good in zip(texts, goodness.tolist(), strict=True)
    ]
    return _Axis(name, places, [((i + 0.5) * step, text) for i, text in enumerate(names)])


def has_outliers(trials: Sequence[Trial], measure: Measure) -> bool:
    """Return whether some values are so bad that they are drawn at the edge."""
    found = [measure.of(trial) for trial in trials if trial.score is not None]
    values = np.array([value for value in found if value is not None], dtype=np.float64)
    return len(values) > 0 and bool((np.clip(values, *_fences(values, measure)) != values).any())


def _goodness(trials: Sequence[Trial], measure: Measure) -> Floats:
    """Return how good each trial is, from 0 to 1; far outliers count as the worst other."""
    values = np.array([measure.of(trial) for trial in trials], dtype=np.float64)
    values = np.clip(values, *_fences(values, measure))
    values = values if measure.higher else -values
    spread = np.ptp(values)
    return (values - values.min()) / spread if spread > 0 else np.ones(len(values))


def _fences(values: Floats, measure: Measure) -> tuple[float, float]:
    """Return the range of values, without those that are far outliers on the bad side."""
    low, high = np.quantile(values, [0.25, 0.75])
    least, most = float(values.min()), float(values.max())
    reach = OUTLIER_RANGES * float(high - low)
    if reach > 0 and measure.higher:
        least = max(least, float(low) - reach)
    elif reach > 0:
        most = min(most, float(high) + reach)
    return least, most


def _padded(least: float, most: float) -> list[float]:
    margin = 0.06 * (most - least) or 0.05 * abs(most) or 1.0
    return [float(least - margin), float(most + margin)]


def _scale(values: Floats) -> dict[str, Any]:
    if len(values) and is_logarithmic(values.tolist()):
        low, high = float(values.min()), float(values.max())
        return {"type": "log", "nice": False, "domain": [low / LOG_MARGIN, high * LOG_MARGIN]}
    ends = _padded(float(values.min()), float(values.max())) if len(values) else [0.0, 1.0]
    return {"zero": False, "nice": False, "domain": ends}


def _ticks(values: Floats) -> dict[str, Any]:
    """Return what an axis's ticks are written like."""
    if not len(values):
        return {}
    style: dict[str, Any] = {"tickCount": 6, "grid": not is_logarithmic(values.tolist())}
    return {**style, "format": "~s"} if values.max() >= 10_000 else style


def _thinned(curve: Sequence[float]) -> list[tuple[int, float]]:
    """Return one-based epochs and losses, at most `MOST_POINTS`, the finite ones."""
    step = math.ceil(len(curve) / MOST_POINTS)
    kept = sorted({*range(0, len(curve), max(step, 1)), len(curve) - 1})
    return [(i + 1, curve[i]) for i in kept if i >= 0 and math.isfinite(curve[i])]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return [10.0**exponent for exponent in range(first, last + 1)]


def _round_numbers(low: float, high: float) -> list[float]:
    """Return three to seven multiples of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return []
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
