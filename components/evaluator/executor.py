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
#: In it, and of a directory beside it: what was measured of the compressed model.
COMPRESSED = "compressed"


class Executor(base.Executor):
    """Score the models, measure them, hold the measures against the thresholds."""

    CONFIG: ClassVar[type[Settings]] = EvaluatorConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: EvaluatorConfig) -> None:
        # Late, for whoever only builds the DAG: TFMA takes a second to import.
        from components.evaluator import eval_config, evaluation, selection, summary
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
        layout = Layout(
            dataset["label"],
            dataset["task"],
            tuple(dataset["classes"]),
            tuple(selection.slice_columns(config)),
            schema,
        )

        def evaluate(
            models: dict[str, Artifact], settings: EvaluatorConfig, output: Path
        ) -> dict[str, Any]:
            return evaluation.evaluate(
                base.split_uri(examples, config.split),
                {name: artifact.uri for name, artifact in models.items()},
                predict.load,
                layout,
                settings,
                output,
                on_beam=self.on_beam,
                make_pipeline=self._make_beam_pipeline,
            )

        result = evaluate(artifacts, config, Path(written.uri))
        result["models"] = {name: {"id": a.id, "uri": a.uri} for name, a in artifacts.items()}
        compressed = base.optional(inputs, "compressed_model")
        if compressed is not None:
            # Against the model that it was made from or beside: a baseline of its own.
            beside = evaluate(
                {eval_config.CANDIDATE: compressed, eval_config.BASELINE: model},
                config.model_copy(update={"thresholds": {}}),
                Path(written.uri) / COMPRESSED,
            )
            result[COMPRESSED] = {
                "id": compressed.id,
                "uri": compressed.uri,
                "metrics": beside["metrics"][eval_config.CANDIDATE],
                "difference": beside["metrics"][summary.DIFFERENCE],
                "notes": beside["notes"],
            }
            base.note(written, _lines(result[COMPRESSED]))
        files.write_json(Path(written.uri) / SUMMARY_FILE, result)
        overall = result["metrics"][eval_config.CANDIDATE]["Overall"]
        base.report_metrics(
            written, {name: m["value"] for name, m in overall.items() if m["value"] is not None}
        )
        _bless(blessing, model, artifacts.get(eval_config.BASELINE), result)


def _lines(compressed: dict[str, Any]) -> str:
    """Return what the run's summary says of the compressed model."""
    parts = []
    for name, measured in compressed["metrics"]["Overall"].items():
        change = compressed["difference"]["Overall"][name]["value"]
        if measured["value"] is not None and change is not None:
            parts.append(f"{name} {measured['value']:.5g} ({change:+.2g})")
    return "compressed model, not judged by the thresholds, against the Trainer's: " + ", ".join(
        parts
    )


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
