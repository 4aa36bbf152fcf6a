"""Settings of the report."""

from __future__ import annotations

from components.settings import Settings


class ReportConfig(Settings):
    """What only people know of a model, for its model card.

    Attributes
    ----------
    enabled : bool
        Whether each run writes a report.
    intended_use, out_of_scope : str or None
        What the model is for, and what it is not for.
    considerations : str or None
        Ethical considerations, caveats and recommendations.
    owner, licence : str or None
    """

    enabled: bool = True
    intended_use: str | None = None
    out_of_scope: str | None = None
    considerations: str | None = None
    owner: str | None = None
    licence: str | None = None
