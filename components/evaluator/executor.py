"""Executor of Evaluator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components import base, files
from components.evaluator import baseline, card
from components.evaluator.config import EvaluatorConfig
from components.models.candidates import TRAINED, find
from components.settings import Settings

#: The report as a page for people, in the artifact ``evaluation``.
PAGE_FILE = "evaluation.html"


class Executor(base.Executor):
    """Score the models, measure them, hold the measures against the thresholds, bless one."""

    CONFIG: ClassVar[type[Settings]] = EvaluatorConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: EvaluatorConfig) -> None:
        # Late, for whoever only builds the DAG: TFMA takes a second to import.
        from components.evaluator import eval_config, evaluation, selection
        from components.models import predict
        from components.models.labelled import Layout

        [examples] = inputs["examples"]
        [written], [blessing], [blessed] = (
            outputs[name] for name in ("evaluation", "blessing", "blessed_model")
        )
        candidates = find(inputs)
        earlier = base.optional(inputs, "baseline_model")
        paths = {name: path for name, (_, path) in candidates.items()}
        if earlier is not None:
            paths[eval_config.BASELINE] = Path(earlier.uri)
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri))
        dataset = json.loads(self.properties["dataset"])
        # What images say of themselves is not counted.
        counted = [] if dataset.get("image") else dataset["columns"]
        selection.check(
            config,
            dataset["task"],
            [feature.name for feature in schema.feature],
            base.split_names(examples),
            {column["name"]: column["distinct"] for column in counted},
        )
        result = evaluation.evaluate(
            base.split_uri(examples, config.split),
            {name: str(path) for name, path in paths.items()},
            predict.load,
            Layout(
                dataset["label"],
                dataset["task"],
                tuple(dataset["classes"]),
                tuple(selection.columns(config)),
                schema,
            ),
            config,
            Path(written.uri),
            on_beam=self.on_beam,
            make_pipeline=self._make_beam_pipeline,
        )
        for name, (artifact, path) in candidates.items():
            result["candidates"][name] |= {"id": artifact.id, "uri": str(path)}
        if earlier is not None:
            result["baseline"] = {"id": earlier.id, "uri": earlier.uri}
        files.write_json(Path(written.uri) / card.REPORT_FILE, result)
        base.write_page(Path(written.uri) / PAGE_FILE, lambda: card.page(written.uri))
        chosen = result["chosen"]
        overall = result["metrics"][chosen or TRAINED]["Overall"]
        base.report_metrics(
            written, {name: m["value"] for name, m in overall.items() if m["value"] is not None}
        )
        base.note(written, card.lines(result))
        Path(blessed.uri).mkdir(parents=True, exist_ok=True)
        if chosen is not None:
            shutil.copytree(paths[chosen], blessed.uri, dirs_exist_ok=True)
            blessed.set_string_custom_property("candidate", chosen)
            blessed.set_int_custom_property("candidate_id", candidates[chosen][0].id)
        artifact, path = candidates[chosen or TRAINED]
        blessing.set_string_custom_property(baseline.BLESSED_URI, blessed.uri)
        blessing.set_int_custom_property(
            baseline.NEWEST_CANDIDATE, max(each.id for each, _ in candidates.values())
        )
        # As TFX's own Evaluator says it, for other resolvers and pushers to read.
        blessing.set_string_custom_property("current_model", str(path))
        blessing.set_int_custom_property("current_model_id", artifact.id)
        if earlier is not None:
            blessing.set_string_custom_property("baseline_model", earlier.uri)
            blessing.set_int_custom_property("baseline_model_id", earlier.id)
        blessing.set_int_custom_property("blessed", int(result["blessed"]))
        _refuse_or_bless(blessing, result)


def _refuse_or_bless(blessing: Artifact, result: dict[str, Any]) -> None:
    name = "BLESSED" if result["blessed"] else "NOT_BLESSED"
    files.write_bytes(Path(blessing.uri) / name, b"")
    if not result["blessed"]:
        first, *others = result["reasons"]
        more = f" {len(others)} more in {card.REPORT_FILE}." if others else ""
        base.refuse(blessing, first + more)
