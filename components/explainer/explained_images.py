"""Explained images beside their maps, for the cards of the methods that explain them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import escape
from components.page import number

STYLE = """
.card .explained{display:flex;flex-wrap:wrap;gap:1rem 1.6rem;margin:.6rem 0}
.card .explained figure{display:grid;gap:.3rem;font-size:.85rem;max-width:18rem}
.card .explained div{display:flex;gap:.3rem}
.card .explained img{width:8.4rem;height:auto;image-rendering:pixelated;
border:1px solid var(--line)}
"""

Described = dict[str, Any]


def beside_maps(images: Sequence[Described], map_name: str) -> str:
    """Return pairs of an image and its map.

    Parameters
    ----------
    images : sequence of dict
        What `components.explainer.maps.described` returns.
    map_name : str
        What the maps are, for those who hear it.
    """
    return f'<div class="explained">{"".join(_pair(each, map_name) for each in images)}</div>'


def notes(found: Described) -> str:
    """Return what was left out or is in doubt, as a list."""
    items = "".join(f"<li>{escape(note)}</li>" for note in found["notes"])
    return f'<ul class="quiet">{items}</ul>' if items else ""


def _pair(image: Described, map_name: str) -> str:
    row = image["row"]
    shown = "".join(
        f'<img src="{escape(image[key])}" alt="{escape(text)}">'
        for key, text in (("picture", f"row {row}"), ("overlay", f"{map_name} of row {row}"))
    )
    if isinstance(image["label"], str):
        text = f"row {row}: {image['output']} ({image['score']:.1%})"
        if image["label"] != image["output"]:
            text += f", labelled {image['label']}"
    else:
        text = f"row {row}: {number(image['score'])}, labelled {number(image['label'])}"
    return f"<figure><div>{shown}</div><figcaption>{escape(text)}</figcaption></figure>"
