"""Settings of the privacy checks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings import Settings


class PrivacyConfig(Settings):
    """What is tried of the model's training rows and of the model itself.

    Attributes
    ----------
    rows : int
        Training rows, and as many that the model has not been trained on, for membership
        inference; also the most that model extraction works with. Drawn by the seed.
    queries : tuple of int
        Rows that model extraction asks the model about; those beyond half of the rows that
        there are are cut to it.
    trees : int
        Of the forests that the attacks fit.
    """

    rows: int = Field(default=2_000, ge=20)
    queries: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(30, 100, 300, 1_000), min_length=1
    )
    trees: int = Field(default=100, ge=1, le=1_000)
