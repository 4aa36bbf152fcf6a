"""Settings of the quality of explanations."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class QualityConfig(Settings):
    """On how much explanations are checked, and when methods disagree.

    Attributes
    ----------
    rows : int
        Rows of which features are taken away, and added.
    background : int
        Rows whose values stand for features that are away, drawn by the seed.
    steps : int
        Points of a curve at most.
    random_orders : int
        Orders of the features by chance that others are held against, for each row.
    stability_rows, repeats : int
        Rows that are changed a little and explained anew, and how often.
    noise : float
        Largest such change: of a number in standard deviations of its column, of a pixel as a
        share of its range.
    top : int
        The most important features of two methods that should be the same.
    disagreement : float
        It is said of two methods that they disagree if both their rank correlation, and the share
        of what counts that falls to the same features by both, are below.
    """

    rows: int = Field(default=30, ge=2)
    background: int = Field(default=5, ge=1)
    steps: int = Field(default=10, ge=2, le=1000)
    random_orders: int = Field(default=3, ge=1, le=100)
    stability_rows: int = Field(default=20, ge=1)
    repeats: int = Field(default=3, ge=1, le=100)
    noise: float = Field(default=0.05, gt=0, le=1)
    top: int = Field(default=5, ge=1)
    disagreement: float = Field(default=0.5, ge=0, le=1)
