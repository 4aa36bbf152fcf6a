"""The TFX shell of Trainer."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components import artifacts, base
from components.trainer.executor import Executor


class TrainerSpec(ComponentSpec):
    """Transformed or reduced examples and, if tuned, hyperparameters in; model and logs out."""

    PARAMETERS = base.PARAMETERS
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "projection": ChannelParameter(type=artifacts.Projection, optional=True),
        "hyperparameters": ChannelParameter(type=standard_artifacts.HyperParameters, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }


class Trainer(base.Component):
    """Builds a tf_keras model for the transformed features, and trains it."""

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
