"""Settings of the sensitivity analysis."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.errors import InputError
from components.settings import Settings

Share = Annotated[float, Field(gt=0, le=1)]


class SensitivityConfig(Settings):
    """What is changed of the rows, and by how much.

    Attributes
    ----------
    columns : tuple of str or None
        Raw columns whose effect is measured; None takes all.
    rows : int
        Rows that are changed, drawn by the seed from those looked at.
    steps : int
        Values of a column that each row is given: quantiles, or the most frequent categories.
    noise : tuple of float
        Sizes of random changes: standard deviations of noise in units of a column's, and at the
        same time probabilities that a category is drawn anew.
    repeats : int
        Times that each size is drawn.
    samples : int
        Base sample of Sobol's indices, a power of two: the model is asked for so many rows for
        each column and twice more. 0 leaves the indices out.
    monotonic : dict of str to {"increasing", "decreasing"}
        Numeric columns with which the prediction should only rise, or only fall; of binary tasks
        it is the probability of the positive class. Each row that disobeys is counted.
    worst_rows : int
        Listed at most.
    """

    columns: tuple[str, ...] | None = None
    rows: int = Field(default=1000, ge=10)
    steps: int = Field(default=11, ge=2, le=200)
    noise: tuple[Share, ...] = Field(default=(0.01, 0.05, 0.1), min_length=1)
    repeats: int = Field(default=5, ge=1, le=1000)
    samples: int = Field(default=1024, ge=0, le=2**16)
    monotonic: dict[str, Literal["increasing", "decreasing"]] = Field(default_factory=dict)
    worst_rows: int = Field(default=10, ge=1, le=1000)

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        if self.samples & (self.samples - 1) or 0 < self.samples < 4:
            raise InputError(
                "Sobol's sequence is only balanced over a power of two.",
                setting="debugger.sensitivity.samples",
                expected="0, or a power of two from 4 on",
                got=self.samples,
            )
        return self
