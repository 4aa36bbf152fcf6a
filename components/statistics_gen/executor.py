"""Executor of StatisticsGen."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import ClassVar

from components import base, files
from components.settings import Settings
from components.statistics_gen import statistics
from components.statistics_gen.card import FILE_NAME
from components.statistics_gen.config import StatisticsConfig


class Executor(base.Executor):
    """Write the statistics of each split."""

    CONFIG: ClassVar[type[Settings]] = StatisticsConfig

    def run(
        self, inputs: base.Artifacts, outputs: base.Artifacts, config: StatisticsConfig
    ) -> None:
        [examples], [result] = inputs["examples"], outputs["statistics"]
        result.split_names = examples.split_names
        result.span = examples.span
        columns = json.loads(self.properties["dataset"])["columns"]
        images = [column["name"] for column in columns if column["kind"] == "image"]
        for name in images:
            text = f"the bytes of {name!r} have no statistics; size and brightness have"
            logging.info("%s", text)
            base.note(result, text)
        for split in base.split_names(examples):
            directory = base.split_uri(examples, split)
            if self.on_beam:
                computed = statistics.compute_on_beam(
                    directory, config, self._make_beam_pipeline, self._get_tmp_dir(), images
                )
            else:
                computed = statistics.compute(directory, config, images)
            files.write_bytes(
                Path(base.split_uri(result, split)) / FILE_NAME, computed.SerializeToString()
            )
