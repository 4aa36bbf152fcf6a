"""TFX's launcher, with what a run here promises on top of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.orchestration import metadata
from tfx.orchestration.portable import (
    data_types,
    execution_publish_utils,
    launcher,
    outputs_utils,
)
from tfx.proto.orchestration import execution_result_pb2
from tfx.utils import typing_utils

from pipeline import manifest


class NodeLauncher(launcher.Launcher):
    """Launch one attempt at a node.

    Every attempt is an execution of its own, which says from its first moment which
    process works on it, and every output carries a manifest.

    Parameters
    ----------
    properties : dict
        Custom properties of the execution.
    on_registered : callable
        Called with the execution's id as soon as it is in the store.
    **arguments
        Those of TFX's `Launcher`.

    Attributes
    ----------
    execution_id : int or None
        None until the execution is registered.
    phase : str
        What is being done: "resolving inputs", "executing" or "publishing".
    """

    def __init__(
        self,
        *,
        properties: Mapping[str, types.Property],
        on_registered: Callable[[int], None],
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._properties = dict(properties)
        self._on_registered = on_registered
        self.execution_id: int | None = None
        self.phase = "resolving inputs"

    def _register_or_reuse_execution(
        self,
        metadata_handle: metadata.Metadata,
        contexts: list[metadata_store_pb2.Context],
        input_artifacts: typing_utils.ArtifactMultiMap | None = None,
        exec_properties: Mapping[str, types.Property] | None = None,
    ) -> metadata_store_pb2.Execution:
        execution = execution_publish_utils.register_execution(
            metadata_handle=metadata_handle,
            execution_type=self._pipeline_node.node_info.type,
            contexts=contexts,
            input_artifacts=input_artifacts,
            exec_properties={**(exec_properties or {}), **self._properties},
        )
        self.execution_id = execution.id
        self._on_registered(execution.id)
        return execution

    def _run_executor(
        self, execution_info: data_types.ExecutionInfo
    ) -> execution_result_pb2.ExecutorOutput:
        self.phase = "executing"
        try:
            output = super()._run_executor(execution_info)
        finally:
            # TFX keeps these, although no other attempt ever looks at them.
            outputs_utils.remove_stateful_working_dir(execution_info.stateful_working_dir)
            shutil.rmtree(Path(execution_info.execution_output_uri).parent, ignore_errors=True)
        self.phase = "publishing"
        try:
            for artifacts in output.output_artifacts.values():
                _describe(artifacts.artifacts)
        except BaseException:
            outputs_utils.remove_output_dirs(execution_info.output_dict)
            raise
        return output

    def _clean_up_stateful_execution_info(self, execution_info: data_types.ExecutionInfo) -> None:
        """Do nothing: the directory went right after the executor."""


def _describe(artifacts: Sequence[metadata_store_pb2.Artifact]) -> None:
    for artifact in artifacts:
        summary = manifest.write(artifact.uri)
        artifact.custom_properties["mw_manifest"].string_value = summary.digest
        # Not an integer: those of MySQL and PostgreSQL have 32 bits.
        artifact.custom_properties["mw_bytes"].double_value = summary.bytes
        artifact.custom_properties["mw_files"].int_value = summary.files
