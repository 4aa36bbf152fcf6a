"""Executor of Evaluator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components import base, files
from components.evaluator.config import EvaluatorConfig
from components.settings import Settings

#: The evaluation as plain JSON; see `components.evaluator.summary`.
SUMMARY_FILE = "evaluation.json"


class Executor(base.Executor):
    """Score the models, measure them, hold the measures against the thresholds."""

    CONFIG: ClassVar[type[Settings]] = EvaluatorConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: EvaluatorConfig) -> None:
        # Late, for whoever only builds the DAG: TFMA takes a second to import.
        from components.evaluator import eval_config, evaluation, selection
        from components.models import predict
        from components.models.labelled import Layout

        [examples], [model] = inputs["examples"], inputs["model"]
        [written], [blessing] = outputs["evaluation"], outputs["blessing"]
        artifacts = {eval_config.CANDIDATE: model}
        if inputs.get("baseline_model"):
            artifacts[eval_config.BASELINE] = inputs["baseline_model"][0]
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri))
        dataset = json.loads(self.properties["dataset"])
        selection.check(
            config,
            dataset["task"],
            [feature.name for feature in schema.feature],
            base.split_names(examples),
        )
        result = evaluation.evaluate(
            base.split_uri(examples, config.split),
            {name: artifact.uri for name, artifact in artifacts.items()},
            predict.load,
            Layout(
                dataset["label"],
                dataset["task"],
                tuple(dataset["classes"]),
                tuple(selection.slice_columns(config)),
                schema,
            ),
            config,
            Path(written.uri),
            on_beam=self.on_beam,
            make_pipeline=self._make_beam_pipeline,
        )
        result["models"] = {name: {"id": a.id, "uri": a.uri} for name, a in artifacts.items()}
        files.write_json(Path(written.uri) / SUMMARY_FILE, result)
        overall = result["metrics"][eval_config.CANDIDATE]["Overall"]
        base.report_metrics(
            written, {name: m["value"] for name, m in overall.items() if m["value"] is not None}
        )
        _bless(blessing, model, artifacts.get(eval_config.BASELINE), result)


def _bless(
    blessing: Artifact, model: Artifact, baseline: Artifact | None, result: dict[str, Any]
) -> None:
    """Record the verdict as TFX's own Evaluator does, for resolvers and pushers to read."""
    blessing.set_string_custom_property("current_model", model.uri)
    blessing.set_int_custom_property("current_model_id", model.id)
    if baseline is not None:
        blessing.set_string_custom_property("baseline_model", baseline.uri)
        blessing.set_int_custom_property("baseline_model_id", baseline.id)
    blessing.set_int_custom_property("blessed", int(result["blessed"]))
    name = "BLESSED" if result["blessed"] else "NOT_BLESSED"
    files.write_bytes(Path(blessing.uri) / name, b"")
    if not result["blessed"]:
        first, *others = result["reasons"]
        more = f" {len(others)} more in {SUMMARY_FILE}." if others else ""
        base.refuse(blessing, first + more)
