"""The TFX shell of ExampleGen."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import base
from components.example_gen.executor import Executor


class ExampleGenSpec(ComponentSpec):
    """A data set, as it was found (`DatasetSpec` as JSON), in; examples in splits out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {}  # noqa: RUF012 (the field is TFX's)
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples)
    }


class ExampleGen(base.Component):
    """Reads tables and writes train, eval, test and each later span as tf.Examples."""

    SPEC_CLASS = ExampleGenSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    LIBRARIES = ("pyarrow", "pandas", "tfx-bsl")
