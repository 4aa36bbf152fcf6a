"""The TFX shell of Pusher."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components import base
from components.pusher.executor import Executor


class PusherSpec(ComponentSpec):
    """Model and blessing in, record of what was pushed out."""

    PARAMETERS = base.PARAMETERS
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "model": ChannelParameter(type=standard_artifacts.Model),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)
    }


class Pusher(base.Component):
    """Deploys a blessed model to a directory that a model server watches."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
