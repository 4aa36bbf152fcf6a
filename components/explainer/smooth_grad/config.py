"""Settings of SmoothGrad."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class SmoothGradConfig(Settings):
    """How much noise is added to images, and how often.

    Attributes
    ----------
    noise : float
        Standard deviation of the noise of each pixel, as a share of the range of the image's
        pixels. 0 gives the plain gradient.
    samples : int
        Noisy copies over which the mean is taken.
    images : int
        Images that are explained.
    """

    noise: float = Field(default=0.15, ge=0, le=1)
    samples: int = Field(default=32, ge=1, le=10_000)
    images: int = Field(default=6, ge=1, le=1000)
