"""The TFX shell of ModelDebugger."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.model_debugger.executor import Executor


class ModelDebuggerSpec(ComponentSpec):
    """A model and examples in; what was found and the benchmark models out."""

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
        "analysis": ChannelParameter(type=artifacts.ModelAnalysis),
        "benchmark_models": ChannelParameter(type=artifacts.ModelCollection),
    }


class ModelDebugger(base.Component):
    """Looks into a model: where, why and how it fails, and what a simple one does."""

    SPEC_CLASS = ModelDebuggerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
