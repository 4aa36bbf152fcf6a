"""Executor of ExampleGen."""

from __future__ import annotations

import json
import logging
from typing import ClassVar

from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import base
from components.errors import InputError
from components.example_gen import writing
from components.example_gen.config import DataConfig
from components.example_gen.dataset import DatasetSpec
from components.example_gen.inspect import fingerprint
from components.settings import Settings

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
