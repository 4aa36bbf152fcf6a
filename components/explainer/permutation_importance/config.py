"""Settings of permutation importance."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class PermutationImportanceConfig(Settings):
    """What is permuted, and how often.

    Attributes
    ----------
    metric : str or None
        Of quality; None takes that by which models of the task are compared, such as the AUC.
    rows : int
        Rows that are permuted, drawn by the seed.
    repeats : int
        Times that each feature is permuted; intervals come from their spread.
    conditional : bool
        Whether features are also permuted among rows that are alike in the other features only.
    stratum_rows : int
        Rows that are alike, at least.
    """

    metric: str | None = None
    rows: int = Field(default=1000, ge=2)
    repeats: int = Field(default=5, ge=2, le=1000)
    conditional: bool = False
    stratum_rows: int = Field(default=20, ge=2)
