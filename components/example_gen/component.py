"""The TFX shells of ExampleGen and SpanGen."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.example_gen.executor import Executor, SpanExecutor


class ExampleGenSpec(ComponentSpec):
    """A data set, as it was found (`DatasetSpec` as JSON), in; examples in splits out.

    The input says where the data came from, if that was the window of a DriftMonitor.
    """

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "window": ChannelParameter(type=artifacts.MonitoringHistory, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples)
    }


class ExampleGen(base.Component):
    """Reads tables and writes train, eval, test and each later span as tf.Examples."""

    SPEC_CLASS = ExampleGenSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    LIBRARIES = ("pyarrow", "pandas", "tfx-bsl")


class SpanGenSpec(ComponentSpec):
    """Later data, as they were found, in; one split a span out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "spans": ChannelParameter(type=standard_artifacts.Examples)
    }


class SpanGen(base.Component):
    """Reads data that came after training, and labels that came after their rows."""

    SPEC_CLASS = SpanGenSpec
    EXECUTOR_SPEC = BeamExecutorSpec(SpanExecutor)
    LIBRARIES = ("pyarrow", "pandas", "tfx-bsl")
