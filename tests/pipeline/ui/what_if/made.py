"""A small run: what it holds, written as the pipeline writes it, and models of known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.store import Store
from pipeline.store_config import StoreConfig, connection_config
from pipeline.ui.what_if.materials import Materials
from tests.recorded_runs import RecordedPipeline

KINDS = {
    "x": "numeric",
    "rooms": "integer",
    "zone": "integer",
    "seen": "time",
    "member": "boolean",
    "group": "categorical",
    "note": "categorical",
    "label": "categorical",
}
#: What the models take: all but a column that the transform graph leaves out, and the label.
COLUMNS = ("x", "rooms", "zone", "seen", "member", "group")
DATASET: dict[str, Any] = {
    "label": "label",
    "task": "binary",
    "classes": ["no", "yes"],
    "columns": [{"name": name, "kind": kind} for name, kind in KINDS.items()],
}
SCHEMA = """
string_domain { name: "groups" value: "a" value: "b" value: "c" }
feature { name: "x" type: FLOAT }
feature { name: "rooms" type: INT shape { dim { size: 1 } } presence { min_fraction: 1 } }
feature { name: "zone" type: INT int_domain { min: 1 max: 3 is_categorical: true } }
feature { name: "seen" type: INT time_domain { integer_format: UNIX_SECONDS } }
feature { name: "member" type: INT bool_domain { } }
feature { name: "group" type: BYTES domain: "groups" }
feature { name: "note" type: BYTES }
feature { name: "label" type: BYTES }
"""
#: Node -> outputs by channel, of a run in which everything is on.
OUTPUTS = {
    "ExampleGen": {"examples": "Examples"},
    "StatisticsGen": {"statistics": "ExampleStatistics"},
    "SchemaGen": {"schema": "Schema"},
    "Transform": {"transform_graph": "TransformGraph"},
    "Trainer": {"model": "Model"},
    "Compressor": {"compressed_model": "Model"},
    "ModelDebugger": {"benchmark_models": "ModelCollection"},
    "Evaluator": {"blessed_model": "Model"},
    "Pusher": {"pushed_model": "PushedModel"},
}


def materials(**other: Any) -> Materials:
    """Return materials of a run, of which no file exists."""
    given: dict[str, Any] = {
        "run": "run-1",
        "examples": "/nowhere/examples",
        "transform_graph": "/nowhere/graph",
        "schema": "/nowhere/schema.pbtxt",
        "statistics": None,
        "projection": None,
        "label": "label",
        "task": "binary",
        "classes": ("no", "yes"),
        "kinds": KINDS,
        "columns": COLUMNS,
        "candidates": {"trained": "/nowhere/model", "benchmark/linear": "/nowhere/linear"},
    }
    return Materials(**{**given, **other})


class Run:
    """A run in a store of its own, with a directory for each artifact.

    Parameters
    ----------
    root : path
        The pipeline's root.
    without : sequence of str
        Nodes that are off.
    """

    def __init__(self, root: Path, without: tuple[str, ...] = ()) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.connection = connection_config(StoreConfig(), root)
        pipeline = RecordedPipeline(self.connection, root=str(root))
        config = {"evaluator": {"slices": [["zone"], ["group"], ["x", "zone"]]}}
        run = pipeline.begin("run-1", mw_state="COMPLETE", mw_config=json.dumps(config))
        pushed = {"pushed": 1, "pushed_destination": str(root / "serving" / "1")}
        properties = {"pushed_model": pushed, "blessed_model": {"candidate": "compressed"}}
        self.paths: dict[str, Path] = {}
        for node, outputs in OUTPUTS.items():
            if node in without:
                continue
            execution = run.start(node, dataset=json.dumps(DATASET))
            run.finish(node, execution, outputs, artifact_properties=properties)
            for channel in outputs:
                directory = root / "artifacts" / node / channel / str(execution)
                directory.mkdir(parents=True)
                self.paths[f"{node}.{channel}"] = directory
        self._fill()

    def store(self) -> Store:
        """Return the store."""
        return Store(self.connection)

    def _fill(self) -> None:
        (self.paths["SchemaGen.schema"] / "schema.pbtxt").write_text(SCHEMA)
        for name in ("Trainer.model", "Evaluator.blessed_model"):
            if name in self.paths:
                served(self.paths[name] / "Format-Serving")
        if "Compressor.compressed_model" in self.paths:
            edge = self.paths["Compressor.compressed_model"] / "Format-TFLite"
            served(edge / "featurizer")
            (edge / "model.tflite").write_bytes(b"lite")
        if "ModelDebugger.benchmark_models" in self.paths:
            for name in ("linear", "majority"):
                served(self.paths["ModelDebugger.benchmark_models"] / name / "Format-Serving")
        served(self.root / "serving" / "1")


def served(directory: Path) -> None:
    """Write what tells a served model, without a model."""
    (directory / "assets.extra").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"")
    arguments = {name: name for name in sorted(COLUMNS)}
    (directory / "assets.extra" / "predict_arguments.json").write_text(json.dumps(arguments))
