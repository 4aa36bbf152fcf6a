"""Settings of Grad-CAM."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class GradCamConfig(Settings):
    """Where in the model is looked.

    Attributes
    ----------
    layer : str or None
        Name of a layer that puts out an image of channels; None takes the last convolution.
    images : int
        Images that are explained.
    """

    layer: str | None = None
    images: int = Field(default=6, ge=1, le=1000)
