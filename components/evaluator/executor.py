"""Executor of Evaluator."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tfx.components.evaluator import constants
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components import base, files
from components.errors import InputError
from components.evaluator.config import EvaluatorConfig
from components.settings import Settings

if TYPE_CHECKING:
    from components.evaluator import predictions

#: The evaluation as plain JSON; see `components.evaluator.summary`.
SUMMARY_FILE = "evaluation.json"
#: Directory of the stored predictions, below the evaluation.
PREDICTIONS = "predictions"


class Executor(base.Executor):
    """Score the models, measure them, hold the measures against the thresholds."""

    CONFIG: ClassVar[type[Settings]] = EvaluatorConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: EvaluatorConfig) -> None:
        # Late, for whoever only builds the DAG: TFMA takes seconds to import.
        from components.evaluator import (
            beam_evaluation,
            eval_config,
            judgement,
            local_evaluation,
            output_files,
            predictions,
            summary,
        )
        from components.models import predict

        [examples], [model] = inputs["examples"], inputs["model"]
        [evaluation], [blessing] = outputs["evaluation"], outputs["blessing"]
        artifacts = {eval_config.CANDIDATE: model}
        if inputs.get("baseline_model"):
            artifacts[eval_config.BASELINE] = inputs["baseline_model"][0]
        uris = {name: artifact.uri for name, artifact in artifacts.items()}
        has_baseline = eval_config.BASELINE in artifacts
        layout = self._layout(inputs, config)
        wanted = eval_config.build(
            config, layout.task, len(layout.classes), has_baseline=has_baseline
        )
        split = self._split(examples, config)
        directory = Path(evaluation.uri)
        stored = directory / PREDICTIONS
        stored.mkdir(parents=True, exist_ok=True)

        on_beam = self.on_beam
        if on_beam:
            predictions.score_on_beam(
                split, uris, predict.load, layout, stored, self._make_beam_pipeline
            )
        else:
            models = {name: predict.load(uri) for name, uri in uris.items()}
            table = predictions.score_in_memory(split, models, layout, stored)
            lacking = local_evaluation.not_vectorised(wanted, layout.task)
            if lacking:
                logging.warning(
                    "All metrics are computed on Beam, which takes longer: only TFMA itself"
                    " computes %s.",
                    ", ".join(lacking),
                )
                on_beam = True
        rows, unusable = predictions.count(stored, list(uris))
        if not rows:
            raise InputError(
                f"The split {config.split!r} has no rows to evaluate the model on.",
                setting="evaluator.split",
            )
        if on_beam:
            metrics = beam_evaluation.evaluate(
                stored, wanted, str(directory), self._make_beam_pipeline
            )
        else:
            wanted.options.confidence_intervals.method = local_evaluation.INTERVALS
            metrics = local_evaluation.evaluate(
                table, wanted, layout.task, config.replicates, config.seed
            )
            output_files.write_metrics(summary.sort_slices(metrics), directory)
        validation = judgement.judge(metrics, wanted, has_baseline=has_baseline)
        result = summary.summarise(
            summary.sort_slices(metrics),
            validation,
            eval_config.bounds(config),
            wanted,
            rows,
            unusable,
        )
        validation.validation_ok = result["blessed"]
        output_files.write_validation(validation, directory)
        output_files.write_eval_config(wanted, split, uris, directory)
        result |= {
            "task": layout.task,
            "split": config.split,
            "models": {
                name: {"id": artifact.id, "uri": artifact.uri}
                for name, artifact in artifacts.items()
            },
        }
        files.write_json(directory / SUMMARY_FILE, result)
        _bless(blessing, artifacts, eval_config.BASELINE, result)

    def _layout(self, inputs: base.Artifacts, config: EvaluatorConfig) -> predictions.Layout:
        from components.evaluator import eval_config, predictions

        [schema_artifact] = inputs["schema"]
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_artifact.uri))
        dataset = json.loads(self.properties["dataset"])
        columns = eval_config.slice_columns(config)
        eval_config.check_columns(columns, [feature.name for feature in schema.feature])
        return predictions.Layout(
            dataset["label"],
            dataset["task"],
            tuple(dataset["classes"]),
            tuple(columns),
            schema,
        )

    def _split(self, examples: Artifact, config: EvaluatorConfig) -> str:
        valid = base.split_names(examples)
        if config.split not in valid:
            raise InputError(
                f"The examples have no split {config.split!r} to evaluate the model on.",
                setting="evaluator.split",
                expected=", ".join(valid),
            )
        return base.split_uri(examples, config.split)


def _bless(
    blessing: Artifact, artifacts: dict[str, Artifact], baseline: str, result: dict[str, Any]
) -> None:
    """Record the verdict as TFX's own Evaluator does, for resolvers and pushers to read."""
    model = next(iter(artifacts.values()))
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baseline in artifacts:
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, artifacts[baseline].uri
        )
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, artifacts[baseline].id
        )
    name, value = (
        (constants.BLESSED_FILE_NAME, constants.BLESSED_VALUE)
        if result["blessed"]
        else (constants.NOT_BLESSED_FILE_NAME, constants.NOT_BLESSED_VALUE)
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    files.write_bytes(Path(blessing.uri) / name, b"")
    if not result["blessed"]:
        base.refuse(blessing, " ".join(result["reasons"]))
