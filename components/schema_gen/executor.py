"""Executor of SchemaGen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import tensorflow_data_validation as tfdv
from google.protobuf import text_format

from components import base, files
from components.schema_gen import curated, images, inference
from components.schema_gen.config import SchemaConfig
from components.settings import Settings
from components.spans import is_span

#: Name that TFX gives to a schema (a text proto).
FILE_NAME = "schema.pbtxt"


class Executor(base.Executor):
    """Write the schema."""

    CONFIG: ClassVar[type[Settings]] = SchemaConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: SchemaConfig) -> None:
        [statistics], [result] = inputs["statistics"], outputs["schema"]
        dataset = json.loads(self.properties["dataset"])
        if config.path:
            schema = curated.load(config.path)
        else:
            of_splits = [
                tfdv.load_stats_binary(
                    str(Path(base.split_uri(statistics, split)) / "FeatureStats.pb")
                )
                for split in base.split_names(statistics)
                if not is_span(split)
            ]
            schema = inference.infer(
                of_splits,
                categorical=[c["name"] for c in dataset["columns"] if c["kind"] == "categorical"],
                label=dataset["label"],
            )
            images.describe(schema, of_splits, dataset["columns"], dataset["label"])
        files.write_bytes(
            Path(result.uri) / FILE_NAME, text_format.MessageToString(schema).encode()
        )
