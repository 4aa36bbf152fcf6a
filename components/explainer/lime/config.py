"""Settings of LIME."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class LimeConfig(Settings):
    """How rows are perturbed, and how near those are that count.

    Attributes
    ----------
    samples : int
        Perturbed rows; all explained rows share them.
    parts : int
        Intervals of a number, between quantiles of the background.
    kernel_width : float or None
        Of the weight exp(-d^2 / (2 width^2)) of a row in which the features are exchanged whose
        number is d^2; by default 0.75 times the root of the number of features.
    penalty : float
        Of the ridge regression.
    shown : int
        Rows that are drawn, from the least to the greatest answer.
    images, image_samples : int
        Images that are explained, and perturbed images of each.
    segments : int
        Superpixels of an image, about.
    image_kernel_width : float
        As for rows, where d is the cosine distance from the whole image.
    """

    samples: int = Field(default=3000, ge=10, le=1_000_000)
    parts: int = Field(default=4, ge=2, le=100)
    kernel_width: float | None = Field(default=None, gt=0)
    penalty: float = Field(default=1.0, ge=0)
    shown: int = Field(default=6, ge=0, le=100)
    images: int = Field(default=4, ge=1, le=1000)
    image_samples: int = Field(default=500, ge=10, le=100_000)
    segments: int = Field(default=40, ge=2, le=1000)
    image_kernel_width: float = Field(default=0.25, gt=0)
