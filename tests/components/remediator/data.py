"""A small table whose network treats two groups differently, as artifacts and in memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, standard_artifacts

from components import base, examples
from components.models import export, fitting, loading
from components.models.hyperparameters import HyperParameters
from components.models.rows import Rows
from components.models.specification import Member, Specification
from components.models.split_reader import SplitReader
from components.models.training_config import TrainingConfig
from components.models.transformed import Features, load_arrays
from components.remediator.candidate import Candidate
from components.remediator.checks import Scored
from components.remediator.problem import Problem
from components.transform.config import TransformConfig
from components.transform.executor import Executor as TransformExecutor
from tests.components.transform.tables import make_schema

SPLITS = {"train": 2400, "eval": 1600}
DATASET: dict[str, Any] = {
    "label": "label",
    "task": "binary",
    "classes": ["no", "yes"],
    "columns": [
        {"name": "x", "kind": "numeric"},
        {"name": "age", "kind": "numeric"},
        {"name": "group", "kind": "categorical"},
        {"name": "area", "kind": "categorical"},
        {"name": "label", "kind": "categorical"},
    ],
}
SCHEMA = make_schema(
    {"x": float, "age": int, "group": str, "area": str, "label": str},
    required=("x", "age", "label"),
)


def table(rows: int, seed: int) -> pa.RecordBatch:
    """Return rows in which group b is favoured, and the labels of area south are a toss.

    The chance of a positive label rises with x and falls, against what is declared, with age
    between 40 and 60. Some rows have no group.
    """
    random = np.random.default_rng(seed)
    x, age = random.normal(size=rows), random.integers(20, 80, rows)
    group = random.choice(["a", "b"], rows, p=[0.4, 0.6]).astype(object)
    area = random.choice(["north", "south", "west"], rows, p=[0.5, 0.2, 0.3])
    logit = 2.0 * x + 3.0 * (group == "b") - 1.8 + 0.02 * (age - 50)
    logit -= 1.5 * ((age > 40) & (age < 60))
    logit[area == "south"] = 0.0
    label = random.random(rows) < 1 / (1 + np.exp(-logit))
    group[random.random(rows) < 0.02] = None
    return pa.RecordBatch.from_pydict(
        {
            "x": pa.array(x.astype(np.float32)),
            "age": pa.array(age),
            "group": pa.array(group.tolist(), pa.string()),
            "area": pa.array(area.tolist()),
            "label": pa.array(np.where(label, "yes", "no").tolist()),
        }
    )


@dataclass(frozen=True)
class Made:
    """The artifacts, and what is read from them.

    Attributes
    ----------
    inputs : dict
        Artifacts by the names of the component's inputs.
    reader : SplitReader
    problem : Problem
    judging : Rows
    """

    inputs: dict[str, Any]
    reader: SplitReader
    problem: Problem
    judging: Rows

    def scored(self, candidate: Candidate | None = None, rows: Rows | None = None) -> Scored:
        """Return a candidate, or the model itself, in memory."""
        candidate, rows = candidate or Candidate(self.problem.model), rows or self.judging
        scores = candidate.scores(rows, "binary")
        return Scored("binary", rows, scores, candidate, None, self.problem.seed)


def make(root: Path) -> Made:
    """Transform the table and train a network on it."""
    raw, transformed = standard_artifacts.Examples(), standard_artifacts.Examples()
    graph, schema = standard_artifacts.TransformGraph(), standard_artifacts.Schema()
    model = standard_artifacts.Model()
    named = {"raw": raw, "done": transformed, "graph": graph, "schema": schema, "model": model}
    for name, artifact in named.items():
        artifact.uri = str(root / name)
        Path(artifact.uri).mkdir()
    raw.split_names = artifact_utils.encode_split_names(list(SPLITS))
    for seed, (split, rows) in enumerate(SPLITS.items()):
        examples.write_split([table(rows, seed)], base.split_uri(raw, split))
    (Path(schema.uri) / "schema.pbtxt").write_text(text_format.MessageToString(SCHEMA))
    TransformExecutor(
        BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(root / "tmp"), unique_id="1")
    ).Do(
        {"examples": [raw], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        {
            "config": TransformConfig().model_dump_json(),
            "engine": "memory",
            "dataset": json.dumps(DATASET),
        },
    )
    features = Features.read(graph.uri)
    train, validation = (
        load_arrays(base.split_uri(transformed, split), features) for split in SPLITS
    )
    hp = HyperParameters(architecture="mlp", hidden_units=(16,), learning_rate=0.02)
    network, _ = fitting.fit(
        Member(model=hp), features, train, validation, TrainingConfig(epochs=6)
    )
    export.save(
        network,
        features,
        graph.uri,
        model.uri,
        specification=Specification(members=(Member(model=hp),)),
    )
    reader = SplitReader(raw.uri, _read(schema.uri), DATASET, graph.uri, None)
    loaded = loading.load(model.uri)
    named_columns = frozenset({"group", "area", "age"})
    tuning, judging = reader.read("eval", named_columns, keep_records=True).halves(0.5, 1)
    problem = Problem(
        task="binary",
        features=features,
        model=loaded.model,
        specification=loaded.specification,
        training=TrainingConfig(),
        train=reader.read("train", named_columns),
        tuning=tuning,
        served_columns=frozenset(reader.served_columns),
        epochs=3,
        seed=1,
        deadline=math.inf,
    )
    return Made(
        {"raw_examples": [raw], "schema": [schema], "transform_graph": [graph], "model": [model]},
        reader,
        problem,
        judging,
    )


def _read(directory: str) -> schema_pb2.Schema:
    text = (Path(directory) / "schema.pbtxt").read_text()
    return text_format.Parse(text, schema_pb2.Schema())
