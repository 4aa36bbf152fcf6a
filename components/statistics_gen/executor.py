"""Executor of StatisticsGen."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from components import base, files
from components.settings import Settings
from components.statistics_gen import statistics
from components.statistics_gen.config import StatisticsConfig

#: Name that TFX gives to a split's statistics (a binary proto).
FILE_NAME = "FeatureStats.pb"


class Executor(base.Executor):
    """Write the statistics of each split."""

    CONFIG: ClassVar[type[Settings]] = StatisticsConfig

    def run(
        self, inputs: base.Artifacts, outputs: base.Artifacts, config: StatisticsConfig
    ) -> None:
        [examples], [result] = inputs["examples"], outputs["statistics"]
        result.split_names = examples.split_names
        result.span = examples.span
        for split in base.split_names(examples):
            directory = base.split_uri(examples, split)
            if self.on_beam:
                computed = statistics.compute_on_beam(
                    directory, config, self._make_beam_pipeline, self._get_tmp_dir()
                )
            else:
                computed = statistics.compute(directory, config)
            files.write_bytes(
                Path(base.split_uri(result, split)) / FILE_NAME, computed.SerializeToString()
            )
