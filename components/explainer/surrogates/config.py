"""Settings of surrogates."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class SurrogatesConfig(Settings):
    """Which readable models are fitted, and how large they may be.

    Attributes
    ----------
    models : tuple of {"tree", "rulefit"}
    rows : int
        Rows of the background, of which `held_out` are kept to measure the fidelity.
    held_out : float
        Share.
    categories : int
        Most frequent values of a category that conditions may ask for.
    leaves : int
        Of the tree, at most.
    leaf_share : float
        Of the rows, in each leaf at least.
    max_rules : int
        Of RuleFit.
    fidelity : float
        R squared below which a surrogate does not stand for the model.
    """

    models: tuple[Literal["tree", "rulefit"], ...] = ("tree", "rulefit")
    rows: int = Field(default=2000, ge=2)
    held_out: float = Field(default=0.3, gt=0, lt=1)
    categories: int = Field(default=10, ge=1, le=1000)
    leaves: int = Field(default=8, ge=2, le=100)
    leaf_share: float = Field(default=0.01, gt=0, lt=0.5)
    max_rules: int = Field(default=20, ge=1, le=1000)
    fidelity: float = Field(default=0.8, gt=0, le=1)
