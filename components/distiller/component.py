"""The TFX shell of Distiller."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components import artifacts, base
from components.distiller.executor import Executor


class DistillerSpec(ComponentSpec):
    """Transformed or reduced examples and a teacher in; a student and its logs out."""

    PARAMETERS = base.PARAMETERS
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "projection": ChannelParameter(type=artifacts.Projection, optional=True),
        "teacher": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }


class Distiller(base.Component):
    """Teaches a small network what the Trainer's model knows."""

    SPEC_CLASS = DistillerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
