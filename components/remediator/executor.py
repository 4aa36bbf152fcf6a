"""Executor of Remediator."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tfx.utils import io_utils

from components import base, files, progress
from components.errors import InputError
from components.models.training_config import TrainingConfig
from components.remediator import card
from components.remediator.config import Monotonic, RemediatorConfig
from components.settings import Settings

if TYPE_CHECKING:
    from components.remediator.candidate import Candidate
    from components.remediator.checks import Scored

#: The report as a page for people, in the artifact ``remediation``.
PAGE_FILE = "remediation.html"
TRAIN = "train"


class Executor(base.Executor):
    """Hold a model against checks on one split; fit remedies on ``train``."""

    CONFIG: ClassVar[type[Settings]] = RemediatorConfig

    def run(
        self, inputs: base.Artifacts, outputs: base.Artifacts, config: RemediatorConfig
    ) -> None:
        from components.models import loading, predict, raw_columns
        from components.models.split_reader import SplitReader
        from components.remediator.candidate import Candidate
        from components.remediator.checks import Scored
        from components.remediator.problem import Problem
        from components.remediator.remediation import remediate

        [raw], [graph], [model] = (
            inputs[name] for name in ("raw_examples", "transform_graph", "model")
        )
        [remediation], [collection] = outputs["remediation"], outputs["remediated_models"]
        projection = base.optional(inputs, "projection")
        projection_uri = projection.uri if projection else None
        splits = base.split_names(raw)
        if config.split not in splits:
            raise InputError(
                f"The examples have no split {config.split!r} to hold the model against.",
                setting="remediator.split",
                expected=", ".join(splits),
                got=config.split,
            )
        progress.report(0.0, "reading the model and its rows")
        reader = SplitReader(
            raw.uri,
            io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri)),
            json.loads(self.properties["dataset"]),
            graph.uri,
            projection_uri,
        )
        loaded = loading.load(model.uri)
        named = frozenset(name for check in config.checks for name in check.columns_named)
        probed = reader.features.image is None and any(
            isinstance(check, Monotonic) for check in config.checks
        )
        looked = reader.read(
            config.split,
            named | frozenset(reader.served_columns if probed else ()),
            most=config.max_rows,
            seed=config.seed,
            keep_records=True,
        )
        tuning, judging = looked.halves(config.tuning_share, config.seed)
        problem = Problem(
            task=reader.task,
            features=reader.features,
            model=loaded.model,
            specification=loaded.specification,
            training=config.training or TrainingConfig(),
            train=reader.read(TRAIN, named),
            tuning=tuning,
            served_columns=frozenset(reader.served_columns),
            epochs=config.epochs,
            seed=config.seed,
            deadline=math.inf,
        )

        def scored(directory: str | Path, candidate: Candidate) -> Scored:
            return Scored(
                problem.task,
                judging,
                predict.scores(directory, judging.records),
                candidate,
                raw_columns.predictor(directory, reader.served_columns) if probed else None,
                config.seed,
            )

        def publish(name: str, candidate: Candidate) -> Scored:
            directory = Path(collection.uri) / name
            candidate.save(reader.features, graph.uri, directory, projection_uri)
            return scored(directory, candidate)

        Path(collection.uri).mkdir(parents=True, exist_ok=True)
        described: dict[str, Any] = {
            "split": config.split,
            **remediate(config, problem, scored(model.uri, Candidate(problem.model)), publish),
        }
        collection.count = len(described["remedies"])
        files.write_json(Path(remediation.uri) / card.REPORT_FILE, described)
        base.write_page(Path(remediation.uri) / PAGE_FILE, lambda: card.page(remediation.uri))
        base.note(remediation, card.lines(described))
