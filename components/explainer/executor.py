"""Executor of Explainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from tfx.utils import io_utils

from components import base, files, progress
from components.errors import InputError
from components.explainer import card
from components.explainer.config import ExplainerConfig
from components.models import candidates
from components.settings import Settings

#: The report as a page for people, in the artifact ``explanations``.
PAGE_FILE = "explanations.html"
TRAIN = "train"


class Executor(base.Executor):
    """Explain one candidate on rows of one split; what is usual is in ``train``."""

    CONFIG: ClassVar[type[Settings]] = ExplainerConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: ExplainerConfig) -> None:
        import pyarrow.parquet

        from components.explainer.explaining import explain, problem_of
        from components.models.reading import Source

        [raw], [graph] = inputs["raw_examples"], inputs["transform_graph"]
        [written] = outputs["explanations"]
        projection = base.optional(inputs, "projection")
        progress.report(0.0, "reading the model and its rows")
        source = Source(
            raw.uri,
            io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri)),
            json.loads(self.properties["dataset"]),
            graph.uri,
            projection.uri if projection else None,
            _model(inputs, config.candidate),
        )
        problem = problem_of(
            source.subject(config.split, config.rows, config.seed),
            source.subject(TRAIN, config.background, config.seed),
            config,
        )
        described, tables = explain(problem, config)
        described |= {"candidate": config.candidate, "split": config.split}
        for name, table in tables.items():
            path = Path(written.uri) / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pyarrow.parquet.write_table(table, path)
        files.write_json(Path(written.uri) / card.REPORT_FILE, described)
        base.write_page(Path(written.uri) / PAGE_FILE, lambda: card.page(written.uri))
        base.note(written, card.lines(described))


def _model(inputs: base.Artifacts, name: str) -> str:
    """Return the directory of a candidate.

    Raises
    ------
    InputError
        This run has no such one.
    """
    found = candidates.find(inputs)
    if name not in found:
        raise InputError(
            f"This run has no candidate {name!r} to explain.",
            setting="explainer.candidate",
            expected=", ".join(found),
            got=name,
        )
    return str(found[name][1])
