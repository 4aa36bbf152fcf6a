"""Settings of XRAI."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings import Settings


class XraiConfig(Settings):
    """How images are cut into regions, and their attributions taken.

    Attributes
    ----------
    scales : tuple of float
        Of the segmentations: with a larger one, segments are larger. They are those of the paper,
        for pixels from -1 to 1 and images of 224 x 224, to which all are brought.
    least_size : int
        Pixels of a segment, of 224 x 224.
    dilation : float
        By how much each segment grows on all sides, to hold its edges, as a share of the image's
        longer side.
    least_added : float
        Share of the image that a segment must add to those before it.
    steps : int
        Points on each way from black and from white on which gradients are taken.
    top : float
        Share of the image that is shown: the best regions.
    images : int
        Images that are explained.
    """

    scales: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(50, 100, 150, 250, 500, 1200), min_length=1
    )
    least_size: int = Field(default=150, ge=1)
    dilation: float = Field(default=5 / 224, ge=0, le=0.5)
    least_added: float = Field(default=0.001, ge=0, le=0.5)
    steps: int = Field(default=64, ge=2, le=4096)
    top: float = Field(default=0.2, gt=0, lt=1)
    images: int = Field(default=4, ge=1, le=1000)
