"""The picture of a tree, read from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import BLUE, escape, frame, plain
from components.page import number

#: Pixels between two levels and two leaves, above and below, and characters of a condition.
LEVEL, LEAF, EDGE, LIMIT = 250, 42, 18, 28

Node = dict[str, Any]


def drawn(nodes: Sequence[Node], output: int, name: str, label: str) -> str:
    """Return a tree as SVG: conditions on the lines, answers at the ends.

    Parameters
    ----------
    nodes : sequence of dict
        See `components.explainer.surrogates.tree.nodes`.
    output : int
        Place of the answer that is told.
    name, label : str
        Its name, and the text alternative.
    """
    heights = _heights(nodes)
    widest = max(abs(node["values"][output]) for node in nodes) or 1.0
    deepest = max(node["depth"] for node in nodes)
    parts = []
    above: list[int] = []
    for place, node in enumerate(nodes):
        x, y = 8 + LEVEL * node["depth"], heights[place]
        above = [*above[: node["depth"]], place]
        if node["depth"]:
            parent = above[node["depth"] - 1]
            start = f"{x - LEVEL},{heights[parent]:.1f}"
            parts.append(
                f'<path d="M{start} C{x - LEVEL + 40},{heights[parent]:.1f} '
                f'{x - LEVEL + 20},{y:.1f} {x - LEVEL + 60},{y:.1f} L{x},{y:.1f}" fill="none" '
                f'stroke="currentColor" stroke-opacity="0.35" '
                f'stroke-width="{1 + 7 * node["share"]:.1f}"/>'
            )
            parts.append(
                f'<text x="{x - LEVEL + 52}" y="{y - 7:.1f}" fill="currentColor">'
                f"{escape(plain(node['way'], LIMIT))}</text>"
            )
        if node["condition"] is None:
            size = 4 + 5 * abs(node["values"][output]) / widest
            parts.append(f'<circle cx="{x + 6}" cy="{y:.1f}" r="{size:.1f}" fill="{BLUE}"/>')
            text = f"{number(node['values'][output])} ({node['share']:.0%})"
            parts.append(
                f'<text x="{x + 20}" y="{y + 4:.1f}" fill="currentColor" '
                f'font-weight="600">{escape(text)}</text>'
            )
    height = max(heights) + EDGE
    title = f"{plain(name)}, and the share of rows, at the end of each way. {label}"
    return frame("".join(parts), 8 + LEVEL * deepest + 150, height, title)


def _heights(nodes: Sequence[Node]) -> list[float]:
    """Return how far down each node is: leaves one below the other, others amid theirs."""
    heights = [0.0] * len(nodes)
    leaves = [place for place, node in enumerate(nodes) if node["condition"] is None]
    for order, place in enumerate(leaves):
        heights[place] = EDGE + 6 + LEAF * order
    for place in reversed(range(len(nodes))):
        if nodes[place]["condition"] is None:
            continue
        below = []
        for other in range(place + 1, len(nodes)):
            if nodes[other]["depth"] <= nodes[place]["depth"]:
                break
            if nodes[other]["depth"] == nodes[place]["depth"] + 1:
                below.append(heights[other])
        heights[place] = sum(below) / len(below)
    return heights
