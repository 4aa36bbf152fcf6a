"""SmoothGrad for people."""

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
        What `components.explainer.smooth_grad.explanation.explain` finds.
    """
    text = (
        "Blue pixels are those a small change of which, up or down, changes what the model says "
        f"most: the mean gradient of {found['samples']:,} noisy copies of the image. The noise's "
        f"standard deviation is {found['noise']:.0%} of the range of the pixels."
    )
    return framed(
        [
            titled("SmoothGrad", f"<p>{escape(text)}</p>"),
            beside_maps(found["images"], "smoothed gradient"),
            notes(found),
        ],
        STYLE,
    )


def lines(found: Described) -> list[str]:
    """Return nothing: pictures are not told in a line."""
    return []
