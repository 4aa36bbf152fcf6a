"""The TFX shell of Explainer."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.explainer.executor import Executor


class ExplainerSpec(ComponentSpec):
    """Candidates and examples in; explanations of one of them out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "raw_examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "projection": ChannelParameter(type=artifacts.Projection, optional=True),
        **artifacts.candidate_channels(),
    }
    OUTPUTS = {  # noqa: RUF012
        "explanations": ChannelParameter(type=artifacts.ModelAnalysis),
    }


class Explainer(base.Component):
    """Explains one candidate: as a whole, row by row, by concepts and by what would change it."""

    SPEC_CLASS = ExplainerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
