"""Settings of the residual analysis."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class ResidualsConfig(Settings):
    """What is tested of the residuals, and how much is shown.

    Attributes
    ----------
    alpha : float
        Greatest share of false findings that is accepted in each family of tests (Benjamini and
        Hochberg).
    lags : int
        Rows back that the autocorrelation is looked at over; less where there are few rows.
    classes : int
        Of more than two classes, the most frequent that are looked at, each against the rest.
    worst_rows, worst_slices : int
        Listed at most.
    pictures : int
        Columns whose residuals are drawn, the most telling first.
    """

    alpha: float = Field(default=0.05, gt=0, lt=1)
    lags: int = Field(default=20, ge=1, le=1000)
    classes: int = Field(default=5, ge=1)
    worst_rows: int = Field(default=10, ge=1, le=1000)
    worst_slices: int = Field(default=5, ge=1, le=100)
    pictures: int = Field(default=4, ge=0, le=50)
