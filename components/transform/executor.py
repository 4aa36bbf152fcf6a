"""Executor of Transform."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import ClassVar

import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types.artifact import Artifact

from components import base, examples, progress
from components.settings import Settings
from components.transform import (
    beam_analysis,
    graph,
    images,
    local_analysis,
    materialization,
    preprocessing,
)
from components.transform.config import TransformConfig

#: Name that TFX gives to a schema.
SCHEMA_FILE = "schema.pbtxt"
#: The split whose rows decide the transformation.
TRAIN_SPLIT = "train"


class Executor(base.Executor):
    """Analyse the train split and transform every split."""

    CONFIG: ClassVar[type[Settings]] = TransformConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: TransformConfig) -> None:
        [raw], [result] = inputs["examples"], outputs["transformed_examples"]
        [target] = outputs["transform_graph"]
        dataset = json.loads(self.properties["dataset"])
        schema = preprocessing.select(_read_schema(inputs["schema"][0]), dataset)
        image, own = dataset.get("image"), config.preprocessing_fn is not None
        plan = preprocessing.make_plan(schema, dataset, own=own or image is not None)
        function: preprocessing.Preprocessing | images.ImagePreprocessing
        batch_rows = examples.BATCH_ROWS
        if image is None or own:
            function = preprocessing.make_preprocessing(plan, config)
        else:
            sizes = {name: image[name] for name in ("height", "width", "channels", "resize")}
            function = images.ImagePreprocessing(plan, **sizes)
            batch_rows = function.batch_rows
        temporary = str(Path(self._get_tmp_dir()) / "analysis")

        def shards(split: str) -> graph.Shards:
            return [
                functools.partial(examples.read_files, [path], schema, batch_rows)
                for path in examples.split_files(base.split_uri(raw, split))
            ]

        progress.report(0.0, "analysing the train split")
        if self.on_beam:
            beam_analysis.analyze(
                function,
                schema,
                shards(TRAIN_SPLIT),
                target.uri,
                temporary,
                self._make_beam_pipeline,
            )
        else:
            local_analysis.analyze(function, schema, shards(TRAIN_SPLIT), target.uri, temporary)

        result.split_names = raw.split_names
        result.span = raw.span
        splits = base.split_names(raw)
        if self.on_beam:
            progress.report(0.5, "transforming all splits")
            materialization.materialize_on_beam(
                target.uri,
                schema,
                plan,
                {base.split_uri(result, split): shards(split) for split in splits},
                self._make_beam_pipeline,
            )
        else:
            transformation = materialization.Transformation(target.uri, schema, plan)
            for number, split in enumerate(splits):
                progress.report(0.5 + number / len(splits) / 2, f"transforming {split}")
                materialization.materialize(
                    transformation, shards(split), base.split_uri(result, split)
                )
        features = function.features(
            tft.TFTransformOutput(target.uri), base.split_uri(result, TRAIN_SPLIT)
        )
        features.write(target.uri)
        shutil.rmtree(temporary, ignore_errors=True)


def _read_schema(artifact: Artifact) -> schema_pb2.Schema:
    return text_format.Parse((Path(artifact.uri) / SCHEMA_FILE).read_text(), schema_pb2.Schema())
