"""Charts are inline SVG that holds texts as texts and takes the page's colours."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import altair as alt
import pytest

from components import charts

EVIL = "<script>alert('1')</script> & \"x\" \x00\x0b\ud800\u202e"


def points(name: str = "a", color: str | None = None) -> alt.Chart:
    data = alt.Data(values=[{"x": 1, "y": 2.5, "k": name}, {"x": 2, "y": 3.123456, "k": "b"}])
    mark = {"type": "line", "point": True, "clip": True, **({"color": color} if color else {})}
    title = charts.plain(f"<b>{name}</b>")
    return alt.Chart(data, mark=mark).encode(x="x:Q", y=alt.Y("y:Q").title(title), detail="k:N")


def relative_luminance(color: str) -> float:
    """By WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_chart_is_one_image_with_a_text_alternative() -> None:
    root = ElementTree.fromstring(charts.svg(points(), 'The "best" of <all> & more'))
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'The "best" of <all> & more'
    # Parts of an image are no parts for a screen reader.
    assert not any("role" in e.attrib or "aria-label" in e.attrib for e in root.iter() if e != root)


def test_what_comes_from_data_stays_text() -> None:
    drawn = charts.svg(points(EVIL), EVIL)
    root = ElementTree.fromstring(drawn)
    assert "<script" not in drawn
    assert any("<script>" in text for text in root.itertext())


def test_colours_of_text_and_lines_are_those_of_the_page() -> None:
    drawn = charts.svg(points(color=charts.RED), "label")
    root = ElementTree.fromstring(drawn)
    assert {text.attrib["fill"] for text in root.iter("text")} == {"currentColor"}
    assert {line.attrib["stroke"] for line in root.iter("line")} == {"currentColor"}
    assert all(float(line.attrib["opacity"]) < 0.5 for line in root.iter("line"))
    assert charts.RED in drawn
    assert not any(ink in drawn for ink in (charts.INK, charts.FAINT, charts.RIMMED, "white"))


@pytest.mark.parametrize(
    "color", [charts.BLUE, charts.RED, charts.GREEN, charts.PURPLE, charts.GRAY]
)
def test_colours_stand_out_on_light_and_dark_ground(color: str) -> None:
    light, dark, own = (relative_luminance(c) for c in ("#ffffff", "#15181d", color))
    assert (light + 0.05) / (own + 0.05) >= 3
    assert (own + 0.05) / (dark + 0.05) >= 3


def test_identifiers_of_two_charts_in_one_page_differ() -> None:
    identifiers = [
        {e.attrib["id"] for e in ElementTree.fromstring(charts.svg(chart, "")).iter("clipPath")}
        for chart in (points("a"), points("b"))
    ]
    assert all(identifiers)
    assert not identifiers[0] & identifiers[1]
    drawn = charts.svg(points("a"), "")
    assert all(f"url(#{name})" in drawn for name in identifiers[0])


def test_the_same_chart_gives_the_same_text() -> None:
    assert charts.svg(points(), "label") == charts.svg(points(), "label")


def test_plain_text_is_one_line_of_what_can_be_printed() -> None:
    assert charts.plain("a\nb\tc") == "a b c"
    assert charts.plain("\x00\ud800\u202eé") == "\ufffd\ufffd\ufffdé"
    assert charts.plain("x" * 99, limit=9) == "xxxx…xxxx"
    assert charts.plain(0.5) == "0.5"
    charts.plain(EVIL).encode()


def test_import_is_light() -> None:
    code = "import sys, components.charts;assert not {'altair', 'vl_convert'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
