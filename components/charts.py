"""Charts as inline SVG that reads on light and on dark ground, on paper and on a phone.

Vega-Lite draws them, without a browser and without a network. It knows fixed colours only;
`svg` puts the page's own in their place, so that a chart needs no style sheet around it.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    import altair

#: Colours that differ for colour-blind eyes too, with a contrast of at least 3 to 1 on white
#: and on near-black. After M. Okabe and K. Ito, "Color Universal Design" (2008).
BLUE, RED, GREEN, PURPLE, GRAY = "#0072b2", "#d55e00", "#009e73", "#b56a98", "#80868f"
#: From poor to good, for lines and points.
RAMP = ("#a0a5ab", "#0072b2")

#: Stand-ins that `svg` replaces: the colour of the text, that of faint lines, and that of
#: text over lines, which has a rim of the ground's colour.
INK, FAINT, RIMMED = "#010203", "#010204", "#010205"
_SUBSTITUTES: dict[str, dict[str, str]] = {
    INK: {},
    FAINT: {"opacity": "0.18"},
    RIMMED: {"style": "paint-order:stroke;stroke:var(--ground,Canvas);stroke-width:3px"},
}

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
FONT_SIZE = 12
#: Least share of its own width to which a chart shrinks before it scrolls.
LEAST_WIDTH = 0.8
#: Digits after the point that matter in a position, in pixels.
_DIGITS = 1
#: Attributes of the drawing library that say what is the default anyway.
_NOISE = {
    ("opacity", "1"),
    ("stroke-width", "1"),
    ("pointer-events", "none"),
    ("font-size", f"{FONT_SIZE}px"),
}
_UNUSED = ("class", "role", "aria-roledescription", "aria-hidden", "aria-label", "font-family")
#: What XML forbids besides control characters, and what turns the direction of all that follows.
_FORBIDDEN = "\ufffe\uffff\u202a\u202b\u202d\u202e\u2066\u2067\u2068"

THEME: dict[str, Any] = {
    "aria": False,
    "background": None,
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": 600,
        "domainColor": FAINT,
        "tickColor": FAINT,
        "gridColor": FAINT,
        "gridWidth": 1,
        "labelLimit": 220,
        "titleLimit": 420,
        "titlePadding": 8,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": 600,
        "labelLimit": 200,
        "orient": "top",
    },
    "text": {"color": INK, "fontSize": FONT_SIZE},
    "rule": {"color": INK},
    "line": {"color": BLUE},
    "point": {"color": BLUE},
    "bar": {"color": BLUE},
}


def chart_of(rows: Sequence[Mapping[str, Any]]) -> altair.Chart:
    """Return a chart without marks yet, with its data inside.

    Parameters
    ----------
    rows : sequence of mapping
        JSON values by field. Names of fields are the program's, never data: Vega-Lite reads
        dots and brackets in them.
    """
    import altair

    data: Any = altair.Data
    return altair.Chart(data(values=list(rows)))


def svg(chart: altair.TopLevelMixin, label: str) -> str:
    """Return a chart as an ``<svg>`` element to put into a page.

    Parameters
    ----------
    chart : altair chart
        With its data inside. Its texts may hold anything: they stay texts. Colours `INK`,
        `FAINT` and `RIMMED` become the page's.
    label : str
        The text alternative: what the chart shows.

    Returns
    -------
    str
        It fills the width there is, up to its own. Identifiers in it are its own.
    """
    import altair
    import vl_convert

    spec = _plain_texts(chart.to_dict())
    version = ".".join(altair.SCHEMA_VERSION.split(".")[:2])
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=version, config=THEME, allowed_base_urls=[])
    root = ElementTree.fromstring(drawn)
    # The library counts identifiers over all charts of a process.
    prefix = "c" + hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    found = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    identifiers = {name: f"{prefix}-{index}" for index, name in enumerate(found)}
    for element in root.iter():
        _tidy(element, identifiers)
    _drop_empty(root)
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    content = "".join(
        ElementTree.tostring(child, encoding="unicode", short_empty_elements=True) for child in root
    )
    return frame(content, width, height, label)


def frame(content: str, width: float, height: float, label: str) -> str:
    """Return an ``<svg>`` element around markup, with its text alternative.

    Parameters
    ----------
    content : str
        SVG markup. `escape` has been applied to what comes from data.
    width, height : float
        Pixels.
    label : str
    """
    style = f"width:100%;max-width:{width:g}px;min-width:{width * LEAST_WIDTH:.0f}px;height:auto"
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="{FONT}" font-size="{FONT_SIZE}" '
        f'style="{style}">{content}</svg>'
    )


def escape(value: object) -> str:
    """Return a value as text for HTML and SVG, in content and in quoted attributes."""
    return html.escape(plain(value), quote=True)


def plain(value: object, limit: int | None = None) -> str:
    """Return a value as one line of text that every encoding and parser takes.

    Parameters
    ----------
    value : object
    limit : int, optional
        Longest text in characters; a longer one loses its middle.

    Examples
    --------
    >>> plain("hidden_units_of_the_tower", limit=12)
    'hidden…tower'
    """
    text = "".join(map(_printable, str(value)))
    if limit is None or len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    forbidden = unicodedata.category(character) in ("Cc", "Cs") or character in _FORBIDDEN
    return "\N{REPLACEMENT CHARACTER}" if forbidden else character


def _plain_texts(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_plain_texts(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain_texts(item) for key, item in value.items()}
    return value


def _tidy(element: ElementTree.Element, identifiers: dict[str, str]) -> None:
    element.tag = element.tag.rpartition("}")[2]
    attributes = {
        name: value
        for name, value in element.attrib.items()
        if name not in _UNUSED and (name, value) not in _NOISE
    }
    for name, value in list(attributes.items()):
        if name == "id":
            attributes[name] = identifiers[value]
        elif value.startswith("url(#"):
            attributes[name] = f"url(#{identifiers[value[len('url(#') : -1]]})"
        elif name in ("d", "transform"):
            attributes[name] = re.sub(r"-?\d+\.\d+(e-?\d+)?", _round, value)
        elif name in ("fill", "stroke") and value in _SUBSTITUTES:
            attributes[name] = "currentColor"
            attributes.update(_SUBSTITUTES[value])
    element.attrib.clear()
    element.attrib.update(attributes)


def _drop_empty(element: ElementTree.Element) -> None:
    """Remove what draws nothing: groups without content, paths without a line or a colour."""
    for child in list(element):
        _drop_empty(child)
        invisible = child.tag == "path" and not (
            {"fill", "stroke", "clip-path"} & child.attrib.keys()
        )
        if invisible or (child.tag == "g" and not len(child)):
            element.remove(child)


def _round(match: re.Match[str]) -> str:
    rounded = f"{float(match[0]):.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if rounded == "-0" else rounded
