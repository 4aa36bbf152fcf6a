"""The TFX shell of SchemaGen."""

from __future__ import annotations

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import base, files
from components.schema_gen.config import SchemaConfig
from components.schema_gen.executor import Executor


class SchemaGenSpec(ComponentSpec):
    """Statistics in, schema out."""

    PARAMETERS = base.PARAMETERS | {
        "dataset": ExecutionParameter(type=str),
        # Of the curated schema, so that editing it is not served from the cache.
        "schema_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012 (the field is TFX's)
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics)
    }
    OUTPUTS = {  # noqa: RUF012
        "schema": ChannelParameter(type=standard_artifacts.Schema)
    }


class SchemaGen(base.Component):
    """Imports a curated schema, or infers one from the statistics."""

    SPEC_CLASS = SchemaGenSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(self, config: SchemaConfig, engine: str = "memory", **arguments: object) -> None:
        digest = files.file_digest(config.path) if config.path else ""
        super().__init__(config, engine, schema_digest=digest, **arguments)
