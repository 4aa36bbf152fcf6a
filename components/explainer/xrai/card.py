"""XRAI for people."""

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
        What `components.explainer.xrai.explanation.explain` finds.
    """
    text = (
        f"Blue are the regions, about {found['top']:.0%} of the image, that speak most for what "
        "the model says, pixel for pixel; the deeper, the more."
    )
    return framed(
        [
            titled("XRAI", f"<p>{escape(text)}</p>"),
            beside_maps(found["images"], "best regions"),
            notes(found),
        ],
        STYLE,
    )


def lines(found: Described) -> list[str]:
    """Return nothing: pictures are not told in a line."""
    return []
