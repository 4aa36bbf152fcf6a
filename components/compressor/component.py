"""The TFX shell of Compressor."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.compressor.executor import Executor


class CompressorSpec(ComponentSpec):
    """A model and examples in; the compressed model and all candidates out."""

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
        "compressed_model": ChannelParameter(type=standard_artifacts.Model),
        "candidates": ChannelParameter(type=artifacts.Candidates),
    }


class Compressor(base.Component):
    """Makes a model small and fast enough for where it is to run."""

    SPEC_CLASS = CompressorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
