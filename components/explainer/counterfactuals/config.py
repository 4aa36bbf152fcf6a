"""Settings of counterfactuals."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class CounterfactualsConfig(Settings):
    """What may be changed of a row, and how many ways are looked for.

    Numbers change to observed ones, texts to known ones; what is missing stays missing.

    Attributes
    ----------
    rows : int
        Rows that are explained, from the least to the greatest answer.
    count : int
        Ways to flip a row's decision that are told, each by other features.
    max_features : int
        Features that are changed at most.
    immutable : tuple of str
        Features, or columns of them, that never change, such as those that nobody can choose.
    directions : dict of str to {"up", "down"}
        Numeric features that only rise, or only fall.
    values : int
        Values of a feature that are tried at first: quantiles, or the most frequent.
    beam : int
        Sets of features from which larger ones are made.
    regression_change : float
        For a regression, by how much the answer has to move, in standard deviations of the
        background's answers.
    """

    rows: int = Field(default=5, ge=1, le=10_000)
    count: int = Field(default=3, ge=1, le=20)
    max_features: int = Field(default=3, ge=1, le=20)
    immutable: tuple[str, ...] = ()
    directions: dict[str, Literal["up", "down"]] = Field(default_factory=dict)
    values: int = Field(default=10, ge=2, le=1000)
    beam: int = Field(default=6, ge=1, le=100)
    regression_change: float = Field(default=1.0, gt=0)
