"""The TFX shell of Tuner."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.tuner.executor import Executor


class TunerSpec(ComponentSpec):
    """Transformed or reduced examples in, the best hyperparameters and what was tried out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "projection": ChannelParameter(type=artifacts.Projection, optional=True),
        "earlier": ChannelParameter(type=standard_artifacts.TunerResults, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        "best_hyperparameters": ChannelParameter(type=standard_artifacts.HyperParameters),
        "tuner_results": ChannelParameter(type=standard_artifacts.TunerResults),
    }


class Tuner(base.Component):
    """Searches hyperparameters and architecture for the transformed features."""

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
