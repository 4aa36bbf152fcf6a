"""All that was found in looking into a model, as a page for people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from components.charts import escape
from components.model_debugger.adversarial import card as adversarial
from components.model_debugger.benchmark_models import card as benchmark_models
from components.model_debugger.privacy import card as privacy
from components.model_debugger.residuals import card as residuals
from components.model_debugger.sensitivity import card as sensitivity
from components.page import document

#: Of the artifact ``analysis``.
REPORT_FILE = "analysis.json"

TITLES = {
    "benchmark_models": "Benchmark models",
    "residuals": "Residuals",
    "sensitivity": "Sensitivity",
    "adversarial": "Adversarial attacks",
    "privacy": "Privacy",
}
_CARDS = {
    "benchmark_models": benchmark_models,
    "residuals": residuals,
    "sensitivity": sensitivity,
    "adversarial": adversarial,
    "privacy": privacy,
}


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a model: see `section`."""
    return document("Model debugging", "Model debugging", section(directory))


def lines(found: dict[str, Any]) -> str:
    """Return what the run's summary says of a model."""
    return "\n".join(
        line
        for name, card in _CARDS.items()
        if name in found["sections"]
        for line in card.lines(found["sections"][name])
    )


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a model, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the ModelAnalysis artifact of a ModelDebugger.

    Raises
    ------
    OSError
        The artifact's report cannot be read.
    """
    found = json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8"))
    lead = f"Looked into on {found['rows']:,} rows of the {found['split']} split."
    return f"<p>{escape(lead)}</p>" + "".join(
        card.section(found["sections"][name])
        for name, card in _CARDS.items()
        if name in found["sections"]
    )
