"""Settings of accumulated local effects."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings import Settings


class AleConfig(Settings):
    """How finely effects are accumulated, and of which pairs.

    Attributes
    ----------
    rows : int
        Rows of the background that are moved within their own interval.
    bins, categories : int
        Intervals of a number (between quantiles), and categories (the most frequent).
    bootstrap : int
        Samples of rows from which the intervals come; 0 for none.
    confidence : float
        Of these.
    pairs : tuple of pairs of str, or None
        Numeric features whose interaction is shown; by default those of the `pair_features`
        most important ones.
    pair_features, pair_bins : int
        These, and intervals of each of the two.
    """

    rows: int = Field(default=500, ge=2)
    bins: int = Field(default=15, ge=1, le=200)
    categories: int = Field(default=15, ge=2, le=200)
    bootstrap: int = Field(default=100, ge=0, le=10_000)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    pairs: tuple[Annotated[tuple[str, str], Field()], ...] | None = None
    pair_features: int = Field(default=3, ge=0, le=10)
    pair_bins: int = Field(default=6, ge=1, le=50)
