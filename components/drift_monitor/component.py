"""The TFX shell of DriftMonitor."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts, base
from components.drift_monitor.executor import Executor


class DriftMonitorSpec(ComponentSpec):
    """The blessed model, what it was trained on and what came later in; what was seen out."""

    PARAMETERS = base.PARAMETERS | {"dataset": ExecutionParameter(type=str)}
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "champion": ChannelParameter(type=standard_artifacts.Model),
        "spans": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "earlier": ChannelParameter(type=artifacts.MonitoringHistory, optional=True),
        **artifacts.candidate_channels(),
    }
    OUTPUTS = {  # noqa: RUF012
        "history": ChannelParameter(type=artifacts.MonitoringHistory),
    }


class DriftMonitor(base.Component):
    """Watches errors, features and novelty in data that came after training."""

    SPEC_CLASS = DriftMonitorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
