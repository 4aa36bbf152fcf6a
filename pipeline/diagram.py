"""Directed graphs as inline SVG with links: the DAG of a run, and lineage.

Boxes stand in layers, by the longest way that leads to them, and in each layer in the order that
lets few edges cross (barycentres of the neighbours, swept to and fro: Sugiyama, Tagawa and Toda,
"Methods for visual understanding of hierarchical system structures", 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.charts import FONT, escape, plain

#: Pixels of a box, and between boxes of a layer and between layers.
BOX_WIDTH, BOX_HEIGHT = 156, 46
GAP, LAYER_GAP = 14, 40
MARGIN = 8
_SWEEPS = 6
#: Least share of its own width to which a graph shrinks before it scrolls.
_LEAST = 0.75
#: Characters that fit into a box.
_LABEL, _DETAIL = 20, 25

#: Colour of the edge of a box by its state, on light and on dark ground.
STATE_COLOURS = {
    "complete": "#00845f",
    "cached": "#5b7083",
    "resolved": "#5b7083",
    "running": "#0072b2",
    "failed": "#c8401a",
    "refused": "#b26b00",
    "interrupted": "#c8401a",
}
_OTHER = "#80868f"

STYLE = (
    ".diagram a:focus-visible rect{stroke-width:4}.diagram a:hover rect{fill-opacity:.16}"
    ".diagram .running rect{stroke-dasharray:6 4}"
    "@media print{.diagram{max-width:100%;height:auto}}"
)


@dataclass(frozen=True)
class Box:
    """A node of the graph.

    Attributes
    ----------
    id : str
    label : str
        First line.
    detail : str
        Second line: a time, an artifact's number.
    state : str
        One of `STATE_COLOURS`, or any other for a plain box.
    href : str or None
        Where a click leads.
    round : bool
        Whether it is drawn round: an artifact among executions.
    """

    id: str
    label: str
    detail: str = ""
    state: str = ""
    href: str | None = None
    round: bool = False


def draw(boxes: Sequence[Box], edges: Sequence[tuple[str, str]], *, title: str) -> str:
    """Return a graph as an ``<svg>`` element, drawn from left to right.

    Parameters
    ----------
    boxes : sequence of Box
    edges : sequence of (str, str)
        Ids of boxes, from and to. Edges of unknown boxes are left out, and so are those that
        would close a circle.
    title : str
        The text alternative: what the graph shows.

    Returns
    -------
    str
        Its colours are the page's. Boxes with a link can be reached by the keyboard, in the order
        of the layers.
    """
    known = {box.id for box in boxes}
    wanted = list(dict.fromkeys((a, b) for a, b in edges if a in known and b in known and a != b))
    layers = _layers([box.id for box in boxes], wanted)
    kept = [(a, b) for a, b in wanted if layers[a] < layers[b]]
    columns = _ordered(boxes, layers, kept)
    tallest = max((len(column) for column in columns), default=0)
    height = 2 * MARGIN + max(tallest, 1) * (BOX_HEIGHT + GAP) - GAP
    width = 2 * MARGIN + max(len(columns), 1) * (BOX_WIDTH + LAYER_GAP) - LAYER_GAP
    places: dict[str, tuple[float, float]] = {}
    for layer, column in enumerate(columns):
        used = len(column) * (BOX_HEIGHT + GAP) - GAP
        top = (height - used) / 2
        for place, name in enumerate(column):
            left = MARGIN + layer * (BOX_WIDTH + LAYER_GAP)
            places[name] = (left, top + place * (BOX_HEIGHT + GAP))
    by_id = {box.id: box for box in boxes}
    lines = "".join(_edge(places[a], places[b]) for a, b in kept)
    drawn = "".join(_box(by_id[name], *places[name]) for column in columns for name in column)
    return (
        f'<svg class="diagram" role="group" aria-label="{escape(title)}" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'style="width:100%;max-width:{width:g}px;min-width:{width * _LEAST:g}px;height:auto" '
        f'font-family="{FONT}" font-size="12"><title>{escape(title)}</title>'
        f'<g fill="none" stroke="currentColor" stroke-opacity=".35" aria-hidden="true">{lines}</g>'
        f"{drawn}</svg>"
    )


def direct(edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges without those that a longer way makes superfluous.

    Examples
    --------
    >>> direct([("a", "b"), ("b", "c"), ("a", "c")])
    [('a', 'b'), ('b', 'c')]
    """
    after: dict[str, set[str]] = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def reaches(start: str, end: str) -> bool:
        waiting, seen = [n for n in after.get(start, ()) if n != end], set()
        while waiting:
            name = waiting.pop()
            if name == end:
                return True
            if name not in seen:
                seen.add(name)
                waiting += after.get(name, ())
        return False

    return [(a, b) for a, b in dict.fromkeys(edges) if not reaches(a, b)]


def _layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each box: the longest way that leads to it, circles cut."""
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in names}
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    waiting = {name: len(before[name]) for name in names}
    layers = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    done: set[str] = set()
    while len(done) < len(names):
        if not ready:  # a circle: its first box begins it
            ready = [next(name for name in names if name not in done)]
        name = ready.pop()
        if name in done:
            continue
        done.add(name)
        for other in after[name]:
            if other in done:
                continue
            layers[other] = max(layers[other], layers[name] + 1)
            waiting[other] -= 1
            if waiting[other] <= 0:
                ready.append(other)
    return layers


def _ordered(
    boxes: Sequence[Box], layers: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> list[list[str]]:
    """Return the boxes of each layer from top to bottom."""
    columns: list[list[str]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for box in boxes:
        columns[layers[box.id]].append(box.id)
    before: dict[str, list[str]] = {box.id: [] for box in boxes}
    after: dict[str, list[str]] = {box.id: [] for box in boxes}
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    place = {name: (i + 0.5) / len(column) for column in columns for i, name in enumerate(column)}
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        for column in columns if forward else reversed(columns):
            centres = {
                name: sum(place[n] for n in neighbours[name]) / len(neighbours[name])
                if neighbours[name]
                else place[name]
                for name in column
            }
            column.sort(key=lambda name: centres[name])
            for i, name in enumerate(column):
                place[name] = (i + 0.5) / len(column)
    return columns


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT / 2
    bend = min((x2 - x1) / 2, LAYER_GAP)
    return f'<path d="M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"/>'


def _box(box: Box, left: float, top: float) -> str:
    colour = STATE_COLOURS.get(box.state.lower(), _OTHER)
    told = f"{box.label}, {box.state}" if box.state else box.label
    told += f", {box.detail}" if box.detail else ""
    radius = BOX_HEIGHT / 2 if box.round else 6
    place = f'x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="{radius:g}"'
    inner = (
        f"<title>{escape(told)}</title>"
        # What lies behind a box must not cross its text.
        f'<rect {place} style="fill:var(--ground,Canvas)"/><rect {place} fill="{colour}" '
        f'fill-opacity=".08" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{left + 12:g}" y="{top + 20:g}" fill="currentColor" font-weight="600">'
        f"{escape(plain(box.label, _LABEL))}</text>"
        f'<text x="{left + 12:g}" y="{top + 36:g}" fill="currentColor" font-size="11">'
        f"{escape(plain(box.detail, _DETAIL))}</text>"
    )
    state = escape(box.state.lower())
    if box.href is None:
        return f'<g class="{state}">{inner}</g>'
    return f'<a class="{state}" href="{escape(box.href)}" aria-label="{escape(told)}">{inner}</a>'
