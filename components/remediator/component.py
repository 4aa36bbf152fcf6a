"""The TFX shell of Remediator."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.remediator.executor import Executor


class RemediatorSpec(ComponentSpec):
    """A model and examples in; remedied models and what they changed out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "raw_examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "projection": ChannelParameter(type=artifacts.Projection, optional=True),
        "model": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {  # noqa: RUF012
        "remediation": ChannelParameter(type=artifacts.ModelAnalysis),
        "remediated_models": ChannelParameter(type=artifacts.ModelCollection),
    }


class Remediator(base.Component):
    """Holds a model against declared checks, and tries remedies for those that fail."""

    SPEC_CLASS = RemediatorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
