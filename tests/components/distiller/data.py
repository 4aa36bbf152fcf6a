"""Small data sets, teachers and artifacts for the Distiller's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components import examples
from components.models import export, fitting
from components.models.hyperparameters import HyperParameters, ModelHyperParameters
from components.models.specification import Member, Specification
from components.models.training_config import TrainingConfig
from components.models.transformed import (
    CategoricalColumn,
    Features,
    ImageFeature,
    to_record_batch,
)

CLASSES = {"binary": ("no", "yes"), "multiclass": ("low", "mid", "high"), "regression": ()}
TEACHER = HyperParameters(architecture="mlp", hidden_units=(32, 16), learning_rate=0.01)
STUDENT = HyperParameters(architecture="mlp", hidden_units=(4,), embedding_dim=1)


def features_of(task: str = "binary") -> Features:
    """Return what `table` makes."""
    return Features(
        numeric=("a", "b", "c"),
        categorical=(CategoricalColumn(name="d", size=9), CategoricalColumn(name="e", size=5)),
        label="y",
        task=task,
        classes=CLASSES[task],
    )


IMAGES = Features(
    label="y",
    task="multiclass",
    classes=("left", "right", "both"),
    image=ImageFeature(height=6, width=6, channels=1, mean=(90.0,), deviation=(80.0,)),
)


def table(rows: int, task: str = "binary", seed: int = 0) -> dict[str, np.ndarray]:
    """Return transformed examples, labels among them, whose rule is no straight line."""
    random = np.random.default_rng(seed)
    numeric = random.normal(size=(rows, 3)).astype(np.float32)
    categorical = np.stack([random.integers(0, 9, rows), random.integers(0, 5, rows)], axis=1)
    value = numeric[:, 0] * numeric[:, 1] + (categorical[:, 0] > 4) + random.normal(0, 0.3, rows)
    label = (
        value.astype(np.float32)
        if task == "regression"
        else np.searchsorted([0.5] if task == "binary" else [0.0, 1.0], value).astype(np.int64)
    )
    return {"numeric": numeric, "categorical": categorical, "label": label}


def pictures(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return images with a bright stripe on one side or on both."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 3, rows)
    image = random.integers(0, 120, (rows, 6, 6, 1))
    image[label != 1, :, 1] += 130
    image[label != 0, :, 4] += 130
    return {"image": image.astype(np.uint8), "label": label.astype(np.int64)}


def write_split(arrays: dict[str, np.ndarray], directory: Path, files: int = 2) -> list[str]:
    """Write a split as so many files of consecutive rows, and return them."""
    for part in range(files):
        rows = {name: np.array_split(values, files)[part] for name, values in arrays.items()}
        examples.write_split([to_record_batch(dict(sorted(rows.items())))], directory / "part")
        target = directory / f"data_tfrecord-0000{part}-of-0000{files}.gz"
        (directory / "part" / examples.FILE_NAME).rename(target)
    (directory / "part").rmdir()
    return examples.split_files(directory)


def write_model(
    directory: Path,
    features: Features,
    arrays: dict[str, np.ndarray],
    hp: ModelHyperParameters = TEACHER,
    epochs: int = 15,
) -> str:
    """Train a model and write what `export.save` does for components that go on from it."""
    member = Member(model=hp)
    training = TrainingConfig(epochs=epochs, patience=epochs)
    model, _ = fitting.fit(member, features, arrays, arrays, training)
    keras = directory / export.KERAS_DIRECTORY
    keras.mkdir(parents=True)
    model.save_weights(str(keras / "model.weights.h5"))
    features.write(keras)
    Specification(members=(member,)).write(keras)
    (keras / export.GRAPH_FILE).write_text(model.to_json())
    return str(directory)
