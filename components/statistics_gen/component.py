"""The TFX shell of StatisticsGen."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import base
from components.statistics_gen.executor import Executor


class StatisticsGenSpec(ComponentSpec):
    """Examples in, statistics of each split out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples)
    }
    OUTPUTS = {  # noqa: RUF012
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics)
    }


class StatisticsGen(base.Component):
    """Computes descriptive statistics of every split with TensorFlow Data Validation."""

    SPEC_CLASS = StatisticsGenSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
