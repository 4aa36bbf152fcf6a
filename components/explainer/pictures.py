"""Images with a map of attributions over them, as PNG inside a page."""

from __future__ import annotations

import numpy as np

from components.attacks.pictures import picture_uri
from components.charts import BLUE, RED

#: Contrast that is left to the image below a map, and the share of pixels whose values are too
#: large to set the scale of colours.
BELOW, EXTREME = 0.35, 0.01
#: Longest side of a picture in a page, in pixels.
LONGEST = 224


def overlay_uri(pixels: np.ndarray, attributions: np.ndarray | None) -> str:
    """Return an image with a map over it as a data URI.

    Parameters
    ----------
    pixels : ndarray, shape [h, w, c]
        From 0 to 1.
    attributions : ndarray, shape [h, w], or None
        What is positive becomes `BLUE`, what is negative `RED`, the more opaque the larger it is;
        None leaves the image as it is.
    """
    step = -(-max(pixels.shape[:2]) // LONGEST)
    small = pixels[::step, ::step]
    if attributions is None:
        return picture_uri(small)
    values = attributions[::step, ::step]
    limit = np.quantile(np.abs(values), 1 - EXTREME) or np.abs(values).max()
    opacity = np.clip(np.abs(values) / (limit or 1.0), 0, 1)[..., None]
    # Faint and gray, so that no colour of the image is taken for one of the map.
    gray = 1 - BELOW + BELOW * small.mean(axis=-1, keepdims=True)
    colour = np.where(values[..., None] >= 0, _rgb(BLUE), _rgb(RED))
    return picture_uri((1 - opacity) * gray + opacity * colour)


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
