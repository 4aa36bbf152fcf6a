"""Executor of Trainer."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow as tf
import tf_keras

from components import base, files, progress
from components.models import export, training, transformed
from components.settings import Settings
from components.trainer.config import TrainerConfig


class Executor(base.Executor):
    """Train on the split ``train``, stop by the split ``eval``, save the model."""

    CONFIG: ClassVar[type[Settings]] = TrainerConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: TrainerConfig) -> None:
        [examples], [graph] = inputs["examples"], inputs["transform_graph"]
        [model_artifact], [run] = outputs["model"], outputs["model_run"]
        features = transformed.Features.read(graph.uri)
        splits = {
            split: transformed.load_arrays(base.split_uri(examples, split), features)
            for split in ("train", "eval")
        }
        labels = splits["train"][transformed.LABEL]

        # The same seed gives the same model, whichever thread is faster.
        tf_keras.utils.set_random_seed(config.seed)
        tf.config.experimental.enable_op_determinism()
        mean, deviation = _target_moments(labels) if features.regression else (0.0, 1.0)
        model = export.build(
            features,
            config.model,
            build_model=config.build_model,
            target_mean=mean,
            target_deviation=deviation,
        )
        checkpoints = self.checkpoint_directory(inputs, model_artifact)
        history = training.train(
            model,
            splits["train"],
            splits["eval"],
            label=transformed.LABEL,
            task=features.task,
            hp=config.model,
            epochs=config.epochs,
            patience=config.patience,
            seed=config.seed,
            class_weights=(
                training.balanced_class_weights(labels, len(features.classes))
                if config.class_weights == "balanced" and not features.regression
                else None
            ),
            checkpoints=checkpoints,
            checkpoint_seconds=config.checkpoint_seconds,
            logs=Path(run.uri),
        )
        progress.report(1.0, "saving the model")
        export.save(
            model,
            features,
            graph.uri,
            model_artifact.uri,
            hyperparameters=config.model,
            build_model=config.build_model,
        )
        files.write_json(
            Path(run.uri) / "history.json",
            {**asdict(history), "rows": len(labels), "parameters": int(model.count_params())},
        )
        # Only now: until the outputs are published, a killed run starts from it again.
        shutil.rmtree(checkpoints, ignore_errors=True)


def _target_moments(labels: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of a regression's labels, the latter never 0."""
    return float(np.mean(labels)), float(np.std(labels)) or 1.0
