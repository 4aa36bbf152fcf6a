"""Small diagrams of architectures, drawn from a trial's hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from components.charts import BLUE, FONT_SIZE, GRAY, GREEN, PURPLE, escape, frame, plain
from components.tuner.trials import Trial

#: Pixels: a diagram, a box and the way between two.
WIDTH, BOX, GAP = 250, 24, 14
#: Widths of the narrowest and the widest box, and the units that are as wide as the widest.
NARROWEST, WIDEST, MOST_UNITS = 56, 150, 1024
#: Centre of the deep part, and of what runs beside it.
DEEP, BESIDE = 90, 208
#: Boxes of one part; of a longer one, the middle is left out.
MOST_BOXES = 8
#: What tells one architecture from another, besides the widths of a network's layers.
IDENTITY = ("architecture", "activation", "normalization")
TEXT_LIMIT = 18


def distinct(trials: Iterable[Trial], count: int) -> list[Trial]:
    """Return the first `count` trials whose architectures differ and can be drawn.

    Parameters
    ----------
    trials : iterable of Trial
        The best first.
    count : int
    """
    found: dict[Any, Trial] = {}
    for trial in trials:
        if "architecture" in trial.model:
            found.setdefault(_identity(trial.model), trial)
    return list(found.values())[:count]


def diagram(trial: Trial) -> str:
    """Return an ``<svg>`` of a trial's architecture: from the features down to the output.

    Raises
    ------
    KeyError
        The trial's model has no architecture.
    """
    model = trial.model
    if is_trees(model):
        boxes, label = _trees(trial)
    else:
        boxes, label = _network(model)
    height = max(box.bottom for box in boxes) + 2
    content = "".join(box.markup for box in boxes)
    return frame(content, WIDTH, height, label)


def is_trees(model: dict[str, Any]) -> bool:
    """Return whether a model is an ensemble of trees."""
    return "max_leaves" in model


class _Drawn:
    """A piece of markup and where it ends, in pixels from the top."""

    def __init__(self, markup: str, bottom: float = 0.0) -> None:
        self.markup = markup
        self.bottom = bottom


def _network(model: dict[str, Any]) -> tuple[list[_Drawn], str]:
    architecture = str(model["architecture"])
    layers = [] if architecture == "linear" else list(model.get("hidden_units", ()))
    crosses = int(model.get("cross_layers", 0)) if architecture == "cross" else 0
    rows = max(min(len(layers), MOST_BOXES), 1 if crosses else 0)
    crossed = min(crosses, MOST_BOXES)
    rows = max(rows, crossed)
    joint = architecture in ("wide_and_deep", "cross")
    width = BESIDE + 38 - (DEEP - WIDEST / 2)
    centre = (DEEP - WIDEST / 2) + width / 2 if joint else DEEP
    drawn = [_box(centre, 0, width if joint else WIDEST, "features", GRAY)]
    top = BOX + GAP
    end = top + rows * (BOX + GAP)
    place = BOX
    for index, (text, units) in enumerate(_shown(layers)):
        y = top + index * (BOX + GAP)
        drawn.append(_arrow(DEEP, place, y))
        if architecture == "residual":
            drawn.append(_skip(DEEP - _units_width(units) / 2, y))
        drawn.append(_box(DEEP, y, _units_width(units), text, BLUE))
        place = y + BOX
    drawn.append(_arrow(DEEP, place, end))
    if architecture == "wide_and_deep":
        drawn += [_arrow(BESIDE, BOX, end, dashed=True), _label(BESIDE, (BOX + end) / 2, "wide")]
    place = BOX
    for index in range(crossed):
        y = top + index * (BOX + GAP)
        text = "×" if crosses <= MOST_BOXES or index < MOST_BOXES - 1 else f"× {crosses}"
        drawn += [_arrow(BESIDE, place, y), _box(BESIDE, y, NARROWEST, text, PURPLE)]
        place = y + BOX
    if crosses:
        drawn.append(_arrow(BESIDE, place, end))
    drawn.append(_box(centre, end, width if joint else WIDEST, "output", GRAY))
    widths = ", ".join(str(units) for units in layers)
    label = f"{architecture}: " + (
        f"hidden layers of {widths} units" if layers else "no hidden layer"
    )
    return drawn, label + (f", beside {crosses} cross layers" if crosses else "")


def _trees(trial: Trial) -> tuple[list[_Drawn], str]:
    model = trial.model
    trees = trial.rounds or model.get("trees", 0)
    leaves = model.get("max_leaves", 0)
    text = f"{trees} trees × {leaves} leaves"
    boosted = model["architecture"] == "boosted_trees"
    drawn = [_box(DEEP, 0, WIDEST, "features", GRAY)]
    top, height = BOX + GAP, 58
    drawn += [_arrow(DEEP, BOX, top), _outline(DEEP, top, WIDEST + 26, height)]
    centres = [DEEP - 52, DEEP, DEEP + 52]
    drawn += [_tree(x, top + 8) for x in centres]
    if boosted:
        drawn += [_label((a + b) / 2, top + 20, "+") for a, b in pairwise(centres)]
    drawn.append(_label(DEEP, top + 46, text))
    end = top + height + GAP
    drawn += [_arrow(DEEP, top + height, end), _box(DEEP, end, WIDEST, "output", GRAY)]
    return drawn, f"{model['architecture']}: {text}"


def _identity(model: dict[str, Any]) -> tuple[str, ...]:
    names = [name for name in IDENTITY if name in model]
    if not is_trees(model):
        names += ["hidden_units"] if model["architecture"] != "linear" else []
        names += ["cross_layers"] if model["architecture"] == "cross" else []
    return tuple(f"{name} {model.get(name)}" for name in names)


def _shown(layers: Sequence[Any]) -> list[tuple[str, float]]:
    """Return text and units of each box; of many layers, the middle ones are one."""
    boxes = [(plain(units, TEXT_LIMIT), _number(units)) for units in layers]
    if len(boxes) <= MOST_BOXES:
        return boxes
    left_out = len(boxes) - MOST_BOXES + 1
    half = (MOST_BOXES - 1) // 2
    middle = (f"{left_out} more", 1.0)
    return [*boxes[:half], middle, *boxes[len(boxes) - (MOST_BOXES - 1 - half) :]]


def _number(units: Any) -> float:
    return float(units) if isinstance(units, int | float) else 1.0


def _units_width(units: float) -> float:
    share = math.log2(max(units, 1)) / math.log2(MOST_UNITS)
    return NARROWEST + (WIDEST - NARROWEST) * min(share, 1.0)


def _box(centre: float, top: float, width: float, text: str, color: str) -> _Drawn:
    return _Drawn(
        f'<rect x="{centre - width / 2:.1f}" y="{top + 1:g}" width="{width:.1f}" '
        f'height="{BOX - 2}" rx="4" fill="{color}" fill-opacity="0.2" stroke="{color}"/>'
        + _label(centre, top + BOX / 2, text).markup,
        top + BOX,
    )


def _outline(centre: float, top: float, width: float, height: float) -> _Drawn:
    return _Drawn(
        f'<rect x="{centre - width / 2:g}" y="{top:g}" width="{width:g}" height="{height:g}" '
        f'rx="6" fill="{GREEN}" fill-opacity="0.12" stroke="{GREEN}"/>',
        top + height,
    )


def _label(centre: float, middle: float, text: str) -> _Drawn:
    return _Drawn(
        f'<text x="{centre:g}" y="{middle + FONT_SIZE / 3:g}" text-anchor="middle" '
        f'fill="currentColor" style="paint-order:stroke;stroke:var(--ground,Canvas);'
        f'stroke-width:2px">{escape(text)}</text>'
    )


def _arrow(x: float, start: float, end: float, *, dashed: bool = False) -> _Drawn:
    pattern = ' stroke-dasharray="4 3"' if dashed else ""
    return _Drawn(
        f'<path d="M{x:g},{start:g}V{end - 5:g}" stroke="currentColor" opacity="0.6"{pattern}/>'
        f'<path d="M{x - 3.5:g},{end - 5:g}h7l-3.5,5z" fill="currentColor" opacity="0.6"/>'
    )


def _skip(edge: float, top: float) -> _Drawn:
    """Return the way around a box on its left."""
    start, end = top - GAP + 3, top + BOX + 3
    bow = f"M{DEEP},{start:g}H{edge - 4:g}q-10,0 -10,10V{end - 10:g}q0,10 10,10H{DEEP}"
    return _Drawn(f'<path d="{bow}" fill="none" stroke="{GREEN}" stroke-width="1.5"/>')


def _tree(x: float, top: float) -> _Drawn:
    lines = "".join(f"M{x:g},{top:g}l{side * 10},11m0,0l-6,11m6,-11l6,11" for side in (-1, 1))
    return _Drawn(f'<path d="{lines}" fill="none" stroke="{GREEN}" stroke-width="1.5"/>')
