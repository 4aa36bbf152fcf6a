"""Settings of StatisticsGen."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.settings import Settings


class StatisticsConfig(Settings):
    """What is computed over each split.

    Attributes
    ----------
    histogram_buckets, quantiles_buckets : int
        Buckets of the standard and the quantiles histogram of each number.
    top_values : int
        Most frequent values kept for each string.
    """

    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow-data-validation",)

    histogram_buckets: int = Field(default=10, ge=2, le=1000)
    quantiles_buckets: int = Field(default=10, ge=2, le=1000)
    top_values: int = Field(default=20, ge=1, le=1000)
