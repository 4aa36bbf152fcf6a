"""Settings of integrated gradients."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class IntegratedGradientsConfig(Settings):
    """From where the gradients are integrated, and how exactly.

    Attributes
    ----------
    baseline : {"rows", "mean", "black"} or None
        Where the way to a row begins: at rows of the background, over which the mean is taken
        (expected gradients); at the mean of the background; or, of images, at a black one. None
        takes rows for tables and black for images.
    baselines : int
        Rows of the background, drawn by the seed, for ``rows``.
    steps, most_steps : int
        Points on a way. Where they are too few, they are doubled, up to the latter.
    tolerance : float
        Largest error of completeness: of the sum of the attributions as a share of the change
        that it should be.
    images : int
        Images that are explained. Of tables all rows are.
    """

    baseline: Literal["rows", "mean", "black"] | None = None
    baselines: int = Field(default=10, ge=1, le=1000)
    steps: int = Field(default=16, ge=2, le=4096)
    most_steps: int = Field(default=1024, ge=2, le=2**16)
    tolerance: float = Field(default=0.01, gt=0, lt=1)
    images: int = Field(default=6, ge=1, le=1000)
