"""Executor of Trainer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tfx.types.artifact import Artifact

from components import base, files, progress
from components.models import ensemble, export, transformed
from components.models.distribution import launch
from components.models.specification import Member, Specification
from components.settings import Settings
from components.trainer import card, summary
from components.trainer.config import TrainerConfig


class Executor(base.Executor):
    """Train on the split ``train``, stop by the split ``eval``, save the model."""

    CONFIG: ClassVar[type[Settings]] = TrainerConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: TrainerConfig) -> None:
        [examples], [graph] = inputs["examples"], inputs["transform_graph"]
        [model_artifact], [run] = outputs["model"], outputs["model_run"]
        projection = base.optional(inputs, "projection")
        features = transformed.Features.read((projection or graph).uri)
        train, validation = (
            transformed.load_arrays(base.split_uri(examples, split), features)
            for split in ("train", "eval")
        )
        specification = _specification(inputs, config)
        if specification.refit:
            train = {name: np.concatenate([train[name], validation[name]]) for name in train}
        checkpoints = self.checkpoint_directory(inputs, model_artifact)
        models: list[Any] = []
        histories: list[dict[str, Any]] = []
        # One member has the directories to itself, so that TensorBoard shows its curves plainly.
        alone = len(specification.members) == 1
        for number, member in enumerate(specification.members):
            place = Path() if alone else Path(f"member-{number}")
            model, history = launch.fit(
                member,
                features,
                train,
                validation,
                config,
                distribution=config.distribution,
                checkpoints=checkpoints / place,
                checkpoint_seconds=config.checkpoint_seconds,
                logs=Path(run.uri) / place,
            )
            models.append(model)
            record = summary.record(
                history,
                parameters=int(model.count_params()),
                rows=len(train[transformed.LABEL]),
            )
            histories.append(record)
            for name, value in summary.properties(record).items():
                _set_property(model_artifact, name if alone else f"{place}.{name}", value)
        progress.report(1.0, "saving the model")
        model = (
            models[0]
            if alone
            else ensemble.combine(models, [member.weight for member in specification.members])
        )
        export.save(
            model,
            features,
            graph.uri,
            model_artifact.uri,
            specification=specification,
            projection=projection.uri if projection else None,
        )
        files.write_json(
            Path(run.uri) / card.HISTORY_FILE,
            {
                **(histories[0] if alone else {"members": histories}),
                "rows": len(train[transformed.LABEL]),
                "parameters": int(model.count_params()),
            },
        )
        base.note(run, summary.lines(specification.members, histories))
        # Only now: until the outputs are published, a killed run starts from it again.
        shutil.rmtree(checkpoints, ignore_errors=True)


def _set_property(artifact: Artifact, name: str, value: str | float) -> None:
    """Record a custom property on an output."""
    if isinstance(value, str):
        artifact.set_string_custom_property(name, value)
    else:
        artifact.set_float_custom_property(name, value)


def _specification(inputs: base.Artifacts, config: TrainerConfig) -> Specification:
    """Return what to train: what the Tuner found, or else what is configured."""
    for tuned in inputs.get("hyperparameters", []):
        return Specification.read(tuned.uri)
    return Specification(members=(Member(model=config.model, build_model=config.build_model),))
