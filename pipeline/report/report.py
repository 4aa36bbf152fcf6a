"""The report of a run: one HTML file, and the model card as Markdown and JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path

from components import files
from components.charts import escape
from components.errors import InputError
from pipeline.report import model_card, overview, page
from pipeline.report.config import ReportConfig
from pipeline.report.facts import Facts
from pipeline.report.sections import SECTIONS, section_of
from pipeline.store import Run, Store
from pipeline.texts import moment

#: Directory below the pipeline's root.
DIRECTORY = "reports"


def html(facts: Facts, config: ReportConfig) -> str:
    """Return the report as an HTML document."""
    run = facts.run
    parts = [("overview", "Overview", overview.section(facts))]
    card = model_card.describe(facts, config)
    if card is not None:
        parts.append(("model-card", "Model card", model_card.as_section(card)))
    for section in SECTIONS:
        artifact = facts.outputs.get((section.node, section.output))
        if artifact is None or section.node not in facts.told:
            continue
        fragment = section_of(artifact, facts.root)
        if fragment is not None:
            parts.append((section.room, section.title, fragment))
    lead = f'<p class="quiet">Run {escape(run.id)}, {escape(moment(run.started))}</p>'
    return page.document(f"{run.pipeline or 'pipeline'}: run {run.id}", parts, lead)


def path_of(run: Run, root: Path) -> Path:
    """Return where the report of a run is by default, below the pipeline's root."""
    if Path(run.id).name != run.id:  # by another program, in a store that is shared
        raise InputError("The run's id is no name of a file.", got=run.id, remedy="use --output")
    return root / DIRECTORY / f"{run.id}.html"


def write(store: Store, run: Run, root: Path, path: Path, config: ReportConfig) -> None:
    """Write the report of a run, and beside it the model card as Markdown and JSON."""
    facts = Facts.of(store, run, root)
    files.write_bytes(path, html(facts, config).encode())
    card = model_card.describe(facts, config)
    if card is not None:
        markdown = model_card.as_markdown(card).encode()
        files.write_bytes(path.with_suffix(".model_card.md"), markdown)
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        files.write_bytes(path.with_suffix(".model_card.json"), text.encode())
