"""Settings of anchors."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class AnchorsConfig(Settings):
    """What a rule must hold, and how hard it is looked for.

    Attributes
    ----------
    rows : int
        Rows that are explained, from the least to the greatest answer.
    precision : float
        Share of the rows that fulfil a rule for which the model must decide alike.
    slack : float
        By how much the lower bound of the precision may miss it.
    delta : float
        Chance that bounds do not hold.
    beam : int
        Rules of a size from which those of the next are made.
    difference : float
        Precisions that are nearer than this are not told apart.
    max_conditions : int
    parts : int
        Intervals of a number, between quantiles of the background.
    batch, samples : int
        Rows about which the model is asked at once for a rule, and in all for one explained row.
    regression_tolerance : float
        By how much the answer of a regression may move and count as alike, in standard
        deviations of the background's answers.
    """

    rows: int = Field(default=5, ge=1, le=10_000)
    precision: float = Field(default=0.95, gt=0, lt=1)
    slack: float = Field(default=0.03, gt=0, lt=1)
    delta: float = Field(default=0.05, gt=0, lt=1)
    beam: int = Field(default=3, ge=1, le=50)
    difference: float = Field(default=0.2, gt=0, lt=1)
    max_conditions: int = Field(default=4, ge=1, le=20)
    parts: int = Field(default=4, ge=2, le=100)
    batch: int = Field(default=50, ge=1, le=10_000)
    samples: int = Field(default=15_000, ge=100)
    regression_tolerance: float = Field(default=0.5, gt=0)
