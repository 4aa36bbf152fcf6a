"""The TFX shell of DimensionalityReducer."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec

from components import artifacts, base
from components.dimensionality_reducer.executor import Executor


class DimensionalityReducerSpec(ComponentSpec):
    """Transformed examples in; a projection to fewer dimensions, and reduced examples out."""

    PARAMETERS = base.PARAMETERS
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {  # noqa: RUF012
        "projection": ChannelParameter(type=artifacts.Projection),
        "reduced_examples": ChannelParameter(type=standard_artifacts.Examples),
    }


class DimensionalityReducer(base.Component):
    """Projects the transformed features to fewer dimensions."""

    SPEC_CLASS = DimensionalityReducerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
