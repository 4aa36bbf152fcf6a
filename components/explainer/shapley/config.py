"""Settings of Shapley values."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class ShapleyConfig(Settings):
    """How Shapley values are computed, and of how many rows.

    Attributes
    ----------
    method : {"auto", "exact", "kriging", "kernel", "permutation"}
        ``exact`` asks for all coalitions of features; ``auto`` takes it for at most 12 features
        and ``kriging`` for more. The others estimate from some coalitions: ``kriging`` by
        generalised least squares over coalitions that are chosen to tell most, ``kernel`` by
        paired KernelSHAP, ``permutation`` by antithetic permutations; where `coalitions` are as
        many as there are, they too are exact.
    rows : int
        Rows that are explained, drawn by the seed.
    background : int
        Rows of the train split, drawn by the seed, whose values stand in for those of absent
        features.
    coalitions : int
        At most, for each row, where not all are asked for; at least 2 features + 4.
    tolerance : float
        The estimate has converged, and ends, when its standard error is at most this share of
        the range of a row's values.
    interactions : int
        Features, the most important first, whose interactions are measured; 0 for none. If there
        are more features than that, the others count as one.
    interaction_rows : int
        Rows on which they are.
    shown_rows : int
        Rows that are drawn one by one.
    """

    method: Literal["auto", "exact", "kriging", "kernel", "permutation"] = "auto"
    rows: int = Field(default=200, ge=1)
    background: int = Field(default=20, ge=1)
    coalitions: int = Field(default=256, ge=2, le=2**16)
    tolerance: float = Field(default=0.01, gt=0, lt=1)
    interactions: int = Field(default=5, ge=0, le=11)
    interaction_rows: int = Field(default=30, ge=1)
    shown_rows: int = Field(default=3, ge=0, le=50)
