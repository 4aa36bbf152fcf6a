"""Grad-CAM for people."""

from __future__ import annotations

from typing import Any

from components.charts import escape
from components.explainer.explained_images import STYLE, beside_maps, notes
from components.page import framed, titled

Described = dict[str, Any]


def section(found: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        What `components.explainer.grad_cam.explanation.explain` finds.
    """
    text = (
        f"Blue is where the layer {found['layer']} is active with what speaks for what the model "
        "says."
    )
    if found["resolution"]:
        height, width = found["resolution"]
        text += f" It sees the image in {height} x {width} places, between which the map is smooth."
    return framed(
        [
            titled("Grad-CAM", f"<p>{escape(text)}</p>"),
            beside_maps(found["images"], "class activation"),
            notes(found),
        ],
        STYLE,
    )


def lines(found: Described) -> list[str]:
    """Return nothing: pictures are not told in a line."""
    return []
