"""The TFX shell of ExampleValidator."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components import base
from components.example_validator.executor import Executor


class ExampleValidatorSpec(ComponentSpec):
    """Statistics and schema in, anomalies of each split out."""

    PARAMETERS = base.PARAMETERS
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {  # noqa: RUF012
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies)
    }


class ExampleValidator(base.Component):
    """Checks the statistics of every split against the schema."""

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
