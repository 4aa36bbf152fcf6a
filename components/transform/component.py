"""The TFX shell of Transform."""

from __future__ import annotations

import importlib.util
from typing import Any

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import base, files
from components.transform.config import TransformConfig
from components.transform.executor import Executor


class TransformSpec(ComponentSpec):
    """Examples and their schema in, a transform graph and transformed examples out."""

    PARAMETERS = base.PARAMETERS | {
        "dataset": ExecutionParameter(type=str),
        "preprocessing_digest": ExecutionParameter(type=str, optional=True),
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

    def __init__(self, config: TransformConfig, engine: str = "memory", **arguments: Any) -> None:
        super().__init__(config, engine, preprocessing_digest=_source_digest(config), **arguments)


def _source_digest(config: TransformConfig) -> str | None:
    """Return the digest of an own function's module, which decides the output too."""
    if config.preprocessing_fn is None:
        return None
    module = config.preprocessing_fn.rpartition(".")[0]
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    # A module that is not there is reported by the executor, which names the setting.
    return files.file_digest(spec.origin) if spec is not None and spec.origin else None
