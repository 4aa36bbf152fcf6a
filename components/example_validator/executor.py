"""Executor of ExampleValidator."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import ClassVar

import tensorflow_data_validation as tfdv

from components import base, files
from components.example_validator import card, validation
from components.example_validator.config import ValidatorConfig
from components.settings import Settings
from components.spans import is_span

#: Name that TFX gives to a split's anomalies (a binary proto).
FILE_NAME = "SchemaDiff.pb"


class Executor(base.Executor):
    """Write the anomalies of each split, and refuse to go on if the config says so."""

    CONFIG: ClassVar[type[Settings]] = ValidatorConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: ValidatorConfig) -> None:
        [statistics], [schema], [result] = (
            inputs["statistics"],
            inputs["schema"],
            outputs["anomalies"],
        )
        result.split_names = statistics.split_names
        result.span = statistics.span
        rules = validation.of_statistics(
            tfdv.load_schema_text(str(Path(schema.uri) / "schema.pbtxt"))
        )
        readable = {}
        for split in base.split_names(statistics):
            computed = tfdv.load_stats_binary(
                str(Path(base.split_uri(statistics, split)) / "FeatureStats.pb")
            )
            anomalies = tfdv.validate_statistics(computed, rules)
            files.write_bytes(
                Path(base.split_uri(result, split)) / FILE_NAME, anomalies.SerializeToString()
            )
            readable[split] = validation.describe(anomalies)
        files.write_json(Path(result.uri) / card.REPORT_FILE, readable)
        for split, found in readable.items():
            for anomaly in found:
                logging.warning("%s: %s: %s", split, anomaly["feature"], anomaly["description"])
        # Later spans are there to be monitored: they never stop a training run.
        blocking = [
            (split, anomaly)
            for split, found in readable.items()
            if not is_span(split)
            for anomaly in found
        ]
        if blocking and config.on_anomaly == "stop":
            split, first = blocking[0]
            base.refuse(
                result,
                f"{len(blocking)} anomalies in the data; the first, in {split}: "
                f"{first['feature']}: {first['description']} (validator.on_anomaly: warn goes on)",
                stop=True,
            )
