"""Settings of partial dependence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings import Settings


class PartialDependenceConfig(Settings):
    """What is drawn of partial dependence, and how finely.

    Attributes
    ----------
    rows : int
        Rows of the background that are averaged over, each of which has an ICE curve.
    grid, categories : int
        Values of a number (quantiles), and of a category (the most frequent), that are tried.
    clusters : int
        Groups of ICE curves of a feature; 1 for none.
    clustering : {"agglomerative", "kmeans"}
        How they are found: by Ward's merging, or as k-means.
    curves : int
        ICE curves of each feature that are drawn.
    correlated : float
        Association of two features, from 0 to 1, from which their curves are in doubt.
    pairs : tuple of pairs of str, or None
        Features whose joint dependence is shown; by default those of the `pair_features` most
        important ones.
    pair_features, pair_grid, pair_rows : int
        These, values of each of the two, and rows that are averaged over.
    """

    rows: int = Field(default=200, ge=1)
    grid: int = Field(default=15, ge=2, le=200)
    categories: int = Field(default=15, ge=2, le=200)
    clusters: int = Field(default=3, ge=1, le=8)
    clustering: Literal["agglomerative", "kmeans"] = "agglomerative"
    curves: int = Field(default=30, ge=0, le=200)
    correlated: float = Field(default=0.7, gt=0, le=1)
    pairs: tuple[Annotated[tuple[str, str], Field()], ...] | None = None
    pair_features: int = Field(default=3, ge=0, le=10)
    pair_grid: int = Field(default=8, ge=2, le=50)
    pair_rows: int = Field(default=100, ge=1)
