"""Executors of ExampleGen and SpanGen."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import base, examples, files
from components.errors import InputError
from components.example_gen import later, writing
from components.example_gen.config import DataConfig, SpansConfig
from components.example_gen.dataset import DatasetSpec
from components.example_gen.inspect import fingerprint
from components.settings import Settings
from components.spans import KEY, LATE_LABELS_FILE

#: Custom property of the output: the rows of each split, as JSON.
ROWS = "rows"


class Executor(base.Executor):
    """Write the data as splits of tf.Examples."""

    CONFIG: ClassVar[type[Settings]] = DataConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: DataConfig) -> None:
        spec = DatasetSpec.model_validate_json(self.properties["dataset"])
        if fingerprint(spec) != spec.fingerprint:
            raise InputError(
                "The data changed after it was inspected.",
                setting="data.path",
                expected=f"the fingerprint {spec.fingerprint[:16]}",
                remedy="Run again when nothing writes to the data.",
            )
        if spec.rows_without_label:
            logging.warning(
                "%d of %d rows have no label and are dropped", spec.rows_without_label, spec.rows
            )
        [result] = outputs["examples"]
        result.split_names = artifact_utils.encode_split_names(list(spec.split_names))
        examples_utils.set_payload_format(result, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        result.set_string_custom_property(ROWS, json.dumps(spec.split_rows))
        directories = {name: base.split_uri(result, name) for name in spec.split_names}
        if self.on_beam:
            writing.write_on_beam(spec, directories, self._make_beam_pipeline)
        else:
            writing.write(spec, directories)


class SpanExecutor(base.Executor):
    """Write later data as one split a span, rows without a label among them."""

    CONFIG: ClassVar[type[Settings]] = SpansConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: SpansConfig) -> None:
        spec = DatasetSpec.model_validate_json(self.properties["dataset"])
        [result] = outputs["spans"]
        result.split_names = artifact_utils.encode_split_names([s.name for s in config.spans])
        examples_utils.set_payload_format(result, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        result.set_string_custom_property(
            ROWS, json.dumps({span.name: span.rows for span in config.spans})
        )
        for span in config.spans:
            written = examples.write_split(
                later.read(spec, span.files, config.key), base.split_uri(result, span.name)
            )
            if written != span.rows:
                raise InputError(
                    "The span changed after it was inspected.",
                    file=span.files[0],
                    expected=f"{span.rows} rows",
                    got=f"{written} rows",
                    remedy="Monitor it again when nothing writes to it.",
                )
        if config.labels_path is not None:
            assert config.key is not None
            keys, labels = later.read_labels(config.labels_path, spec, config.key)
            Path(result.uri).mkdir(parents=True, exist_ok=True)
            with files.atomic_path(Path(result.uri) / LATE_LABELS_FILE) as path:
                pyarrow.parquet.write_table(
                    pa.table({KEY: pa.array(keys, pa.string()), spec.label: labels}), path
                )
