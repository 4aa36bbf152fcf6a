"""Graphs are drawn in layers, with links and texts, whatever their names and circles."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest

from pipeline.diagram import BOX_HEIGHT, BOX_WIDTH, Box, draw

EVIL = '"><img src=x onerror=alert(1)>'


def drawn(boxes, edges):
    """Return the left and top of each box by its label, and the number of edges."""
    root = ElementTree.fromstring(draw(boxes, edges, title="graph"))
    places = {}
    for group in root:
        rect = group.find("rect")
        if rect is not None:
            places[group.findtext("text")] = (float(rect.get("x")), float(rect.get("y")))
    return places, len(root.find("g").findall("path"))


def test_every_edge_leads_to_the_right_and_no_boxes_overlap():
    names = "abcdefgh"
    boxes = [Box(name, name) for name in names]
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "h"), ("d", "h"), ("e", "f"), ("a", "g")]
    places, count = drawn(boxes, edges)
    assert count == len(edges)
    for start, end in edges:
        assert places[start][0] + BOX_WIDTH < places[end][0]
    for first in names:
        for second in names:
            if first < second and places[first][0] == places[second][0]:
                assert abs(places[first][1] - places[second][1]) >= BOX_HEIGHT


def test_neighbours_are_put_beside_each_other():
    boxes = [Box(name, name) for name in ("a", "b", "x", "y")]
    places, _ = drawn(boxes, [("a", "y"), ("b", "x")])
    assert (places["a"][1] < places["b"][1]) == (places["y"][1] < places["x"][1])


@pytest.mark.parametrize("edges", [[("a", "b"), ("b", "a")], [("a", "a")], [("a", "nowhere")]])
def test_circles_and_loose_ends_do_no_harm(edges):
    places, _ = drawn([Box("a", "a"), Box("b", "b")], edges)
    assert set(places) == {"a", "b"}


def test_nothing_is_drawn_of_nothing():
    assert drawn([], []) == ({}, 0)


def test_texts_and_links_are_escaped():
    found = draw([Box(EVIL, EVIL, EVIL, EVIL, EVIL)], [], title=EVIL)
    ElementTree.fromstring(found)
    assert "<img" not in found


def test_a_box_says_its_state_and_leads_somewhere():
    root = ElementTree.fromstring(
        draw([Box("1", "Trainer", "3.1 s", "failed", "/runs/1#Trainer")], [], title="g")
    )
    [link] = root.findall("a")
    assert link.get("href") == "/runs/1#Trainer"
    assert link.get("aria-label") == "Trainer, failed, 3.1 s"


def test_three_hundred_boxes_take_a_moment():
    boxes = [Box(str(i), f"node {i}") for i in range(300)]
    edges = [(str(i // 2), str(i)) for i in range(1, 300)]
    begin = time.process_time()
    found = draw(boxes, edges, title="large")
    assert time.process_time() - begin < 1
    assert len(re.findall("<text", found)) == 600
