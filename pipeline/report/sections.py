"""The sections of components: an artifact, the card that shows it, and what if that fails."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass
from pathlib import Path

from components.charts import escape
from pipeline.read_verbs import check_below
from pipeline.store import Artifact


@dataclass(frozen=True)
class Section:
    """A component's part of the report.

    Attributes
    ----------
    node : str
    output : str
        The output that is shown.
    title : str
    room : str
        Package below `components` with the module ``card``.
    """

    node: str
    output: str
    title: str
    room: str


#: In the order of the report.
SECTIONS = (
    Section("StatisticsGen", "statistics", "Data", "statistics_gen"),
    Section("ExampleValidator", "anomalies", "Anomalies", "example_validator"),
    Section("DimensionalityReducer", "projection", "Reduction", "dimensionality_reducer"),
    Section("Tuner", "tuner_results", "Search", "tuner"),
    Section("Trainer", "model_run", "Training", "trainer"),
    Section("Distiller", "model_run", "Distillation", "distiller"),
    Section("Compressor", "candidates", "Compression", "compressor"),
    Section("Evaluator", "evaluation", "Evaluation", "evaluator"),
    Section("ModelDebugger", "analysis", "Model debugging", "model_debugger"),
    Section("Remediator", "remediation", "Remediation", "remediator"),
    Section("Explainer", "explanations", "Explanations", "explainer"),
    Section("Pusher", "pushed_model", "Push", "pusher"),
    Section("DriftMonitor", "history", "Monitoring", "drift_monitor"),
)


def section_for(node: str | None, output: str | None) -> Section | None:
    """Return the section that shows an output, or None."""
    return next((s for s in SECTIONS if (s.node, s.output) == (node, output)), None)


def section_of(artifact: Artifact, root: Path) -> str | None:
    """Return an artifact's card as an HTML fragment, or None if it has none.

    What goes wrong in drawing a card is said in its place, and fails nothing. An artifact outside
    of `root`, the pipeline's, is not read.
    """
    section = section_for(artifact.node, artifact.key)
    if section is None:
        return None
    try:
        check_below(Path(artifact.uri), root)
        card = importlib.import_module(f"components.{section.room}.card")
        fragment: str = card.section(artifact.uri)
    except Exception as error:  # a card reads files that may be of any state
        cause = f"{type(error).__name__}: {error}"
        return (
            '<section class="card"><p role="alert"><strong>This part could not be drawn.</strong> '
            f"{escape(cause)}</p><details><summary>Details</summary><pre>"
            f"{escape_lines(traceback.format_exc())}</pre></details></section>"
        )
    return fragment


def escape_lines(text: str) -> str:
    """Return text of several lines as markup."""
    return "\n".join(map(escape, text.splitlines()))
