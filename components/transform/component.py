"""The TFX shell of Transform."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import base
from components.transform.executor import Executor


class TransformSpec(ComponentSpec):
    """Examples and their schema in, a transform graph and transformed examples out."""

    PARAMETERS = base.PARAMETERS | {
        "dataset": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {  # noqa: RUF012
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "transformed_examples": ChannelParameter(type=standard_artifacts.Examples),
    }


class Transform(base.Component):
    """Turns raw columns into features with TensorFlow Transform.

    Parameters
    ----------
    config : TransformConfig
    engine : {"memory", "beam"}
    **arguments
        The channels `examples` and `schema`, and `dataset`: the data's description as
        JSON, of which `label`, `task`, `classes` and `columns` are used.
    """

    SPEC_CLASS = TransformSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
