"""Images as PNG, inside a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from components.models.transformed import WHITE


def picture_uri(pixels: np.ndarray) -> str:
    """Return an image [h, w, c] with pixels from 0 to 1 as a data URI."""
    values = np.round(np.clip(pixels, 0.0, 1.0) * WHITE).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def difference_uri(difference: np.ndarray) -> str:
    """Return a difference of images [h, w, c] as a data URI: gray is 0."""
    largest = float(np.abs(difference).max())
    return picture_uri(0.5 + difference / (2 * largest) if largest else 0.5 + 0 * difference)
