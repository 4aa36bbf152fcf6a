"""Writes runs into a metadata store as TFX and the runner do, without running anything."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from typing import Any

from pipeline.store.mlmd import MetadataStore, errors, metadata_store_pb2

#: The default pipeline: node -> (inputs by channel, output types by channel).
DAG: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "ExampleGen": ({}, {"examples": "Examples"}),
    "StatisticsGen": ({"examples": "ExampleGen"}, {"statistics": "ExampleStatistics"}),
    "SchemaGen": ({"statistics": "StatisticsGen"}, {"schema": "Schema"}),
    "ExampleValidator": (
        {"statistics": "StatisticsGen", "schema": "SchemaGen"},
        {"anomalies": "ExampleAnomalies"},
    ),
    "Transform": (
        {"examples": "ExampleGen", "schema": "SchemaGen"},
        {"transform_graph": "TransformGraph", "transformed_examples": "Examples"},
    ),
    "Trainer": (
        {
            "transformed_examples": "Transform",
            "transform_graph": "Transform",
            "schema": "SchemaGen",
        },
        {"model": "Model", "model_run": "ModelRun"},
    ),
    "BaselineResolver": ({"model": "Trainer"}, {}),
    "Evaluator": (
        {"examples": "ExampleGen", "model": "Trainer"},
        {"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
    ),
    "Pusher": ({"model": "Trainer", "blessing": "Evaluator"}, {"pushed_model": "PushedModel"}),
}

_Execution = metadata_store_pb2.Execution
_Event = metadata_store_pb2.Event

Outputs = dict[str, int]


class RecordedPipeline:
    """Writes runs of one pipeline.

    Parameters
    ----------
    connection : ConnectionConfig
    name : str
        The pipeline's name.
    root : str
        Root of the artifacts' URIs.
    """

    def __init__(
        self,
        connection: metadata_store_pb2.ConnectionConfig,
        name: str = "taxi",
        root: str = "/runs/taxi",
    ) -> None:
        self.store = MetadataStore(connection)
        self.name = name
        self.root = root
        self._artifact_types: dict[str, int] = {}
        self._execution_types: dict[str, int] = {}
        types = metadata_store_pb2.ContextType
        self._context_types = {
            kind: self.store.put_context_type(types(name=kind))
            for kind in ("pipeline", "pipeline_run", "node")
        }
        self.pipeline = self._context("pipeline", name)

    def _context(self, kind: str, name: str) -> metadata_store_pb2.Context:
        found = self.store.get_context_by_type_and_name(kind, name)
        if found is None:
            context = metadata_store_pb2.Context(type_id=self._context_types[kind], name=name)
            self.store.put_contexts([context])
            found = self.store.get_context_by_type_and_name(kind, name)
        return found

    def begin(self, run_id: str, **properties: Any) -> RecordedRun:
        """Write the context of a run with custom properties."""
        context = self._context("pipeline_run", run_id)
        edge = metadata_store_pb2.ParentContext(parent_id=self.pipeline.id, child_id=context.id)
        with contextlib.suppress(errors.AlreadyExistsError):
            self.store.put_parent_contexts([edge])
        if properties:
            set_properties(context.custom_properties, properties)
            self.store.put_contexts([context])
        return RecordedRun(self, context)

    def artifact_type(self, name: str) -> int:
        """Return the id of an artifact type."""
        if name not in self._artifact_types:
            kind = metadata_store_pb2.ArtifactType(name=name)
            self._artifact_types[name] = self.store.put_artifact_type(kind)
        return self._artifact_types[name]

    def execution_type(self, name: str) -> int:
        """Return the id of an execution type."""
        if name not in self._execution_types:
            kind = metadata_store_pb2.ExecutionType(name=name)
            self._execution_types[name] = self.store.put_execution_type(kind)
        return self._execution_types[name]


class RecordedRun:
    """Writes the executions of one run."""

    def __init__(self, pipeline: RecordedPipeline, context: metadata_store_pb2.Context) -> None:
        self._pipeline = pipeline
        self._store = pipeline.store
        self.context = context

    def _contexts(self, node: str) -> list[metadata_store_pb2.Context]:
        node_context = self._pipeline._context("node", f"{self._pipeline.name}.{node}")
        return [self._pipeline.pipeline, self.context, node_context]

    def start(
        self, node: str, inputs: dict[str, list[int]] | None = None, **properties: Any
    ) -> int:
        """Register an execution that runs; return its id."""
        execution = _Execution(
            type_id=self._pipeline.execution_type(f"components.{node}"),
            name=str(uuid.uuid4()),
            last_known_state=_Execution.RUNNING,
        )
        set_properties(execution.custom_properties, properties)
        read = []
        channels: dict[int, list[str]] = {}
        for key, ids in (inputs or {}).items():
            for item in ids:
                channels.setdefault(item, []).append(key)
        for artifact in self._store.get_artifacts_by_id(sorted(channels)) if channels else []:
            read.append((artifact, _event(_Event.INPUT, channels[artifact.id])))
        execution_id, _, _ = self._store.put_execution(
            execution, read, self._contexts(node), reuse_context_if_already_exist=True
        )
        return execution_id

    def finish(
        self,
        node: str,
        execution_id: int,
        outputs: dict[str, str] | None = None,
        state: str = "COMPLETE",
        artifact_properties: dict[str, dict[str, Any]] | None = None,
        **properties: Any,
    ) -> Outputs:
        """Publish an execution with new outputs (channel -> type); return their ids."""
        [execution] = self._store.get_executions_by_id([execution_id])
        execution.last_known_state = _Execution.State.Value(state)
        set_properties(execution.custom_properties, properties)
        made = []
        for key, kind in (outputs or {}).items():
            artifact = metadata_store_pb2.Artifact(
                type_id=self._pipeline.artifact_type(kind),
                uri=f"{self._pipeline.root}/artifacts/{node}/{key}/{execution_id}",
                state=metadata_store_pb2.Artifact.LIVE,
            )
            set_properties(
                artifact.custom_properties,
                {"tfx_version": "1.21.0", **(artifact_properties or {}).get(key, {})},
            )
            made.append((artifact, _event(_Event.OUTPUT, [key])))
        _, artifact_ids, _ = self._store.put_execution(
            execution, made, self._contexts(node), reuse_context_if_already_exist=True
        )
        return dict(zip(outputs or {}, artifact_ids, strict=True))

    def reuse(self, node: str, outputs: Outputs, **properties: Any) -> int:
        """Register a cached execution with earlier outputs; return its id."""
        execution = _Execution(
            type_id=self._pipeline.execution_type(f"components.{node}"),
            name=str(uuid.uuid4()),
            last_known_state=_Execution.CACHED,
        )
        set_properties(execution.custom_properties, properties)
        artifacts = {
            artifact.id: artifact
            for artifact in self._store.get_artifacts_by_id(sorted(outputs.values()))
        }
        pairs = [(artifacts[item], _event(_Event.OUTPUT, [key])) for key, item in outputs.items()]
        execution_id, _, _ = self._store.put_execution(
            execution, pairs, self._contexts(node), reuse_context_if_already_exist=True
        )
        return execution_id

    def run_all(
        self, settings: dict[str, dict[str, Any]] | None = None, started: float = 1.7e9
    ) -> dict[str, Outputs]:
        """Execute every node of `DAG` with success; return their outputs.

        Parameters
        ----------
        settings : dict
            Node -> its config.
        started : float
            Start of the run; each node takes a second more than the one before.
        """
        made: dict[str, Outputs] = {}
        for number, (node, (inputs, outputs)) in enumerate(DAG.items(), 1):
            read = {
                channel: [made[producer].get(channel) or next(iter(made[producer].values()))]
                for channel, producer in inputs.items()
            }
            execution = self.start(
                node,
                read,
                config=json.dumps((settings or {}).get(node, {"epochs": 30, "seed": 1})),
                engine="memory",
                code_fingerprint=f"{number:016x}",
                mw_pid=os.getpid(),
                mw_host="elsewhere",
                mw_process_started=started,
                mw_started=started,
                mw_attempt=1,
            )
            made[node] = self.finish(
                node,
                execution,
                outputs,
                artifact_properties={
                    key: {"mw_manifest": f"{execution:064x}", "mw_bytes": 1000, "mw_files": 2}
                    for key in outputs
                },
                mw_started=started,
                mw_ended=started + number,
                mw_log=f"{self._pipeline.root}/logs/{self.context.name}/{node}.log",
            )
            started += number
        return made


def set_properties(target: Any, values: dict[str, Any]) -> None:
    """Set properties of an MLMD message from Python values."""
    for name, value in values.items():
        if isinstance(value, bool):
            target[name].bool_value = value
        elif isinstance(value, int):
            target[name].int_value = value
        elif isinstance(value, float):
            target[name].double_value = value
        else:
            target[name].string_value = value


def _event(kind: int, keys: list[str]) -> metadata_store_pb2.Event:
    event = _Event(type=kind)
    for key in keys:
        event.path.steps.add().key = key
        event.path.steps.add().index = 0
    return event
