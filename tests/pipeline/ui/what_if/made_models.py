"""Rows, a transform graph and models of known answers, as the pipeline writes them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.models.transformed import Features
from components.transform import local_analysis, preprocessing
from components.transform.config import TransformConfig
from pipeline.ui.what_if.materials import Materials
from tests.components.transform.tables import make_schema

KINDS = {
    "x": "numeric",
    "age": "integer",
    "group": "categorical",
    "price": "numeric",
    "label": "categorical",
}
COLUMNS = ("x", "age", "group")
ROWS = 120


def table(rows: int, seed: int) -> dict[str, list[Any]]:
    """Return rows of which some have no x, and some no group."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows).astype(np.float32)
    group = random.choice(["a", "b", "ü"], rows).astype(object)
    label = np.where(x + 2.0 * (group == "b") > 0.8, "yes", "no")
    return {
        "x": [None if random.random() < 0.05 else float(value) for value in x],
        "age": random.integers(20, 80, rows).tolist(),
        "group": [None if random.random() < 0.05 else each for each in group],
        "price": (100 * x).astype(np.float32).tolist(),
        "label": label.tolist(),
    }


def value(x: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return what the linear model adds up: of a missing x nothing."""
    return 2.0 * np.nan_to_num(x) + 3.0 * (group == "b") - 1.5


class Linear(tf.Module):
    """The probability rises with x, and for the group b; age does not matter.

    Parameters
    ----------
    steepness : float
        By which the log-odds are multiplied.
    regression : bool
        Whether the sum itself is the answer.
    adults : bool
        Whether it fails for those that are younger than 18.
    """

    def __init__(self, steepness: float = 1.0, *, regression: bool = False, adults: bool = False):
        super().__init__()
        self._steepness, self._regression, self._adults = steepness, regression, adults

    @tf.function(autograph=False)
    def predict(self, x: tf.Tensor, age: tf.Tensor, group: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the scores of raw columns."""
        least = tf.constant(18.0, tf.float64)
        checks = [tf.debugging.assert_greater_equal(age, least)] if self._adults else []
        with tf.control_dependencies(checks):
            known = tf.where(tf.math.is_nan(x), tf.zeros_like(x), x)
        total = 2.0 * known + 3.0 * tf.cast(tf.equal(group, "b"), tf.float64) - 1.5
        if self._regression:
            return {"scores": tf.cast(total[:, tf.newaxis], tf.float32)}
        positive = tf.cast(tf.sigmoid(self._steepness * total), tf.float32)
        return {"scores": tf.stack([1.0 - positive, positive], axis=1)}

    def save(self, directory: Path) -> str:
        """Write it as a Model artifact; return the directory."""
        kinds = {"x": tf.float64, "age": tf.float64, "group": tf.string}
        signature = self.predict.get_concrete_function(
            **{name: tf.TensorSpec([None], kind, name=name) for name, kind in kinds.items()}
        )
        served = directory / "Format-Serving"
        tf.saved_model.save(self, str(served), signatures={"predict": signature})
        (served / "assets.extra").mkdir()
        arguments = json.dumps({name: name for name in COLUMNS})
        (served / "assets.extra" / "predict_arguments.json").write_text(arguments)
        return str(directory)


def make(root: Path) -> tuple[Materials, Materials]:
    """Write everything; return the materials of a classification and of a regression."""
    schema = make_schema(
        {"x": float, "age": int, "group": str, "price": float, "label": str},
        required=("age", "price", "label"),
    )
    (root / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    for seed, split in enumerate(("train", "eval")):
        columns = table(ROWS, seed)
        batch = pa.RecordBatch.from_pydict(
            {name: pa.array(each, _TYPES[name]) for name, each in columns.items()}
        )
        examples.write_split([batch], root / "examples" / f"Split-{split}")
    models = {
        "label": {
            "trained": Linear(),
            "distilled": Linear(0.5),
            "benchmark/adults": Linear(adults=True),
        },
        "price": {"trained": Linear(regression=True)},
    }
    tasks: dict[str, dict[str, Any]] = {
        "label": {"task": "binary", "classes": ("no", "yes")},
        "price": {"task": "regression", "classes": ()},
    }
    made = []
    for label, task in tasks.items():
        graph = root / f"graph-{label}"
        _analyse(root, schema, graph, label, task)
        Features(label=label, task=task["task"], classes=task["classes"]).write(graph)
        made.append(
            Materials(
                run="run-1",
                examples=str(root / "examples"),
                transform_graph=str(graph),
                schema=str(root / "schema.pbtxt"),
                statistics=None,
                projection=None,
                label=label,
                task=task["task"],
                classes=task["classes"],
                kinds={name: kind for name, kind in KINDS.items() if name in (*COLUMNS, label)},
                columns=COLUMNS,
                candidates={
                    name: model.save(root / "models" / f"{label}-{name.replace('/', '-')}")
                    for name, model in models[label].items()
                },
            )
        )
    return made[0], made[1]


def _analyse(
    root: Path, schema: schema_pb2.Schema, graph: Path, label: str, task: dict[str, Any]
) -> None:
    """Write a transform graph, of which only the raw columns that it takes matter here."""
    columns = [{"name": name, "kind": KINDS[name]} for name in (*COLUMNS, label)]
    dataset = {"label": label, **task, "columns": columns}
    chosen = preprocessing.select(schema, dataset)
    plan = preprocessing.make_plan(chosen, dataset)
    files = examples.split_files(root / "examples" / "Split-train")
    local_analysis.analyze(
        preprocessing.make_preprocessing(plan, TransformConfig()),
        chosen,
        [functools.partial(examples.read_files, files, chosen)],
        str(graph),
        str(root / f"temporary-{label}"),
    )


_TYPES = {
    "x": pa.float32(),
    "age": pa.int64(),
    "group": pa.string(),
    "price": pa.float32(),
    "label": pa.string(),
}
