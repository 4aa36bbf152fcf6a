"""A small training by any strategy, and the processes that it starts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import psutil
import pydantic

from components.models import transformed
from components.models.distribution import config, launch
from components.models.hyperparameters import HyperParameters
from components.models.specification import Member
from components.models.training_config import TrainingConfig

VOCABULARIES = (5, 7)
FEATURES = transformed.Features(
    numeric=("a", "b", "c"),
    categorical=tuple(
        transformed.CategoricalColumn(name=f"c{size}", size=size) for size in VOCABULARIES
    ),
    label="label",
    task="binary",
    classes=("no", "yes"),
)


def data(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return transformed examples; two of five are of the class ``yes``."""
    generator = np.random.default_rng(seed)
    numeric = generator.normal(size=(rows, 3)).astype(np.float32)
    categorical = np.stack([generator.integers(0, n, rows) for n in VOCABULARIES], axis=1)
    score = numeric[:, 0] + (categorical[:, 0] == 2) - numeric[:, 1] * (categorical[:, 1] > 3)
    label = (score > np.quantile(score, 0.6)).astype(np.int64)
    return {"numeric": numeric, "categorical": categorical, "label": label}


def settings(strategy: str, **values: object) -> config.Distribution:
    """Return the settings of a strategy."""
    adapter = pydantic.TypeAdapter(config.Distribution)
    return adapter.validate_python({"strategy": strategy, **values})


def member(**values: object) -> Member:
    """Return a small network, trained by plain gradient descent unless told otherwise."""
    plain = {
        "hidden_units": (16, 8),
        "embedding_dim": 4,
        "optimizer": "sgd",
        "momentum": 0.0,
        "batch_size": 36,
    }
    return Member(model=HyperParameters(**{**plain, **values}))


def fit(
    place: Path,
    distribution: config.Distribution,
    *,
    rows: int = 74,
    epochs: int = 1,
    checkpoint_seconds: float = 0.0,
    **values: object,
):
    """Train a network below the directory `place`."""
    return launch.fit(
        member(**values),
        FEATURES,
        data(rows),
        data(50, 1),
        TrainingConfig(epochs=epochs, patience=epochs, class_weights="balanced"),
        distribution=distribution,
        checkpoints=place / "checkpoints",
        checkpoint_seconds=checkpoint_seconds,
        logs=place / "logs",
    )


def processes(of: int | None = None) -> dict[tuple[str, int], psutil.Process]:
    """Return the processes of trainings below one process, by the kind and index of their task."""
    found = {}
    for process in psutil.Process(of).children():
        try:
            if "components.models.distribution.worker" in process.cmdline():
                task = json.loads(process.environ().get("TF_CONFIG", "{}")).get("task", {})
                found[task.get("type", "alone"), task.get("index", 0)] = process
        except psutil.Error:  # it is about to end
            continue
    return found
