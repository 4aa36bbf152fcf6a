"""What the store holds, as plain values.

Times are seconds since the epoch, durations seconds. None means that the store does not
say: runs of stock TFX have no custom properties of this project (those named ``mw_...``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.store.mlmd import metadata_store_pb2

Value = int | float | str | bool | dict[str, Any] | list[Any] | None

#: States of an execution that left outputs.
SUCCESS = ("COMPLETE", "CACHED")

_EVENT_KINDS = {
    metadata_store_pb2.Event.OUTPUT: "output",
    metadata_store_pb2.Event.DECLARED_OUTPUT: "output",
    metadata_store_pb2.Event.PENDING_OUTPUT: "output",
    metadata_store_pb2.Event.INTERNAL_OUTPUT: "resolved",
}

# Names that TFX gives to properties for its own use.
_INTERNAL_PREFIX = "__"
_RESULT = "__execution_result__"
_OURS = "mw_"


@dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes
    ----------
    id : str
    pipeline : str or None
        The pipeline's name.
    state : str
        RUNNING, COMPLETE, FAILED, INTERRUPTED, REFUSED (by a gate), or UNKNOWN (stock
        TFX, before its first node).
    started, ended : float or None
    command : str or None
        What the user typed.
    base : str or None
        Run that this one resumed or took outputs from.
    config : dict or None
        The pipeline's settings.
    job : dict or None
        Which nodes were forced and which alone ran.
    summary : dict or None
        Counts of nodes by state, ``metrics`` and ``pushed``.
    """

    id: str
    pipeline: str | None
    state: str
    started: float | None
    ended: float | None
    command: str | None = None
    base: str | None = None
    config: dict[str, Any] | None = None
    job: dict[str, Any] | None = None
    summary: dict[str, Any] | None = None

    @property
    def seconds(self) -> float | None:
        """Duration; None while it runs or if it was cut short."""
        return _duration(self.started, self.ended)

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that the run reported."""
        return (self.summary or {}).get("metrics") or {}


@dataclass(frozen=True)
class Execution:
    """One attempt at one node of one run.

    Attributes
    ----------
    id : int
    run, node : str or None
    type : str
        The component's class path.
    state : str
        RUNNING, COMPLETE, FAILED, CACHED, CANCELED, NEW or UNKNOWN.
    started, ended : float or None
    attempt : int
        1 for the first in its run.
    log : str or None
        Path of the log.
    error_type, error, phase : str or None
        Of a failure: the exception's class, its message, and what was being done.
    pid : int or None
    host : str or None
    parameters : dict
        The component's parameters by name.
    """

    id: int
    run: str | None
    node: str | None
    type: str
    state: str
    started: float | None
    ended: float | None
    attempt: int
    log: str | None
    error_type: str | None
    error: str | None
    phase: str | None
    pid: int | None
    host: str | None
    parameters: dict[str, Value]

    @property
    def seconds(self) -> float | None:
        """Duration; None while it runs or if it was cut short."""
        return _duration(self.started, self.ended)

    @property
    def succeeded(self) -> bool:
        """Whether it left outputs, its own or those of an earlier execution."""
        return self.state in SUCCESS


@dataclass(frozen=True)
class Artifact:
    """One output of a node.

    Attributes
    ----------
    id : int
    type, uri, name : str
    state : str
        LIVE, ABANDONED (damaged, not used again), PENDING, DELETED,
        MARKED_FOR_DELETION, REFERENCE or UNKNOWN.
    created : float
    run, node, key : str or None
        Run, node and output channel that made it.
    manifest : str or None
        SHA-256 of its manifest file.
    bytes, files : int or None
        Size and number of its files.
    properties : dict
        All other properties by name.
    """

    id: int
    type: str
    uri: str
    name: str
    state: str
    created: float
    run: str | None
    node: str | None
    key: str | None
    manifest: str | None
    bytes: int | None
    files: int | None
    properties: dict[str, Value]


@dataclass(frozen=True)
class Event:
    """An execution read or wrote an artifact.

    Attributes
    ----------
    execution, artifact : int
    kind : {"input", "output", "resolved"}
        ``resolved`` is what a resolver node found among earlier artifacts.
    key : str or None
        Name of the channel.
    index : int
        Position in the channel.
    """

    execution: int
    artifact: int
    kind: str
    key: str | None
    index: int


@dataclass(frozen=True)
class Lineage:
    """What an artifact was made from, or what was made from it.

    Attributes
    ----------
    artifact : Artifact
        Where it starts.
    direction : {"up", "down"}
    artifacts : tuple of Artifact
        All that were reached, the start first, then by distance.
    executions : tuple of Execution
        Those between them.
    events : tuple of Event
        The edges of the graph.
    """

    artifact: Artifact
    direction: str
    artifacts: tuple[Artifact, ...]
    executions: tuple[Execution, ...]
    events: tuple[Event, ...]


def run_record(
    context: metadata_store_pb2.Context,
    pipeline: str | None,
    executions: list[metadata_store_pb2.Execution] | None,
    *,
    ended_early: bool,
) -> Run:
    """Return the run that a context of type ``pipeline_run`` stands for.

    Parameters
    ----------
    context : Context
    pipeline : str or None
        Name of its pipeline.
    executions : list of Execution or None
        From which the state and times are derived if the context does not say them.
    ended_early : bool
        Whether its process is gone.
    """
    properties = plain(context.custom_properties)
    state = properties.get("mw_state")
    started = properties.get("mw_started", context.create_time_since_epoch / 1000)
    ended = properties.get("mw_ended")
    if state is None:
        state, ended = _derive(executions or [])
    if state == "RUNNING":
        ended = None
        if ended_early:
            state = "INTERRUPTED"
    return Run(
        id=context.name,
        pipeline=pipeline,
        state=state,
        started=started,
        ended=ended,
        command=properties.get("mw_command") or None,
        base=properties.get("mw_base") or None,
        config=_parse(properties.get("mw_config")),
        job=_parse(properties.get("mw_job")),
        summary=_parse(properties.get("mw_summary")),
    )


def _derive(executions: list[metadata_store_pb2.Execution]) -> tuple[str, float | None]:
    """Return state and end of a run from its executions."""
    if not executions:
        return "UNKNOWN", None
    states = {_state_name(execution) for execution in executions}
    if states & {"RUNNING", "NEW"}:
        return "RUNNING", None
    ended = max(execution.last_update_time_since_epoch for execution in executions) / 1000
    return ("COMPLETE" if states <= set(SUCCESS) else "FAILED"), ended


def execution_record(
    execution: metadata_store_pb2.Execution,
    run: str | None,
    node: str | None,
    *,
    ended_early: bool,
) -> Execution:
    """Return an execution of `node` in `run`; see `run_record`."""
    properties = plain(execution.custom_properties)
    state = _state_name(execution)
    started = properties.get("mw_started", execution.create_time_since_epoch / 1000)
    ended = properties.get("mw_ended")
    error = properties.get("mw_error")
    if state == "RUNNING":
        ended = None
        if ended_early:
            state = "FAILED"
            error = ended_early_text(properties.get("mw_pid"))
    elif ended is None and "mw_started" not in properties:
        ended = execution.last_update_time_since_epoch / 1000
    if error is None and state == "FAILED":
        result = _parse(properties.get(_RESULT)) or {}
        error = result.get("resultMessage")
    return Execution(
        id=execution.id,
        run=run,
        node=node,
        type=execution.type,
        state=state,
        started=started,
        ended=ended,
        attempt=properties.get("mw_attempt", 1),
        log=properties.get("mw_log"),
        error_type=properties.get("mw_error_type"),
        error=error,
        phase=properties.get("mw_phase"),
        pid=properties.get("mw_pid"),
        host=properties.get("mw_host"),
        parameters={
            name: value
            for name, value in {**plain(execution.properties), **properties}.items()
            if not name.startswith((_OURS, _INTERNAL_PREFIX))
        },
    )


def artifact_record(
    artifact: metadata_store_pb2.Artifact,
    run: str | None,
    node: str | None,
    key: str | None,
) -> Artifact:
    """Return an artifact that `node` made in `run` on its channel `key`."""
    properties = {**plain(artifact.properties), **plain(artifact.custom_properties)}
    size = properties.pop("mw_bytes", None)  # a float where it may exceed 31 bits
    return Artifact(
        id=artifact.id,
        type=artifact.type,
        uri=artifact.uri,
        name=artifact.name,
        state=metadata_store_pb2.Artifact.State.Name(artifact.state),
        created=artifact.create_time_since_epoch / 1000,
        run=run,
        node=node,
        key=key,
        manifest=properties.pop("mw_manifest", None),
        bytes=None if size is None else int(size),
        files=properties.pop("mw_files", None),
        properties=properties,
    )


def event_record(event: metadata_store_pb2.Event) -> Event:
    """Return an event; TFX's path is the channel's name and the position in it."""
    key, index = None, 0
    for step in event.path.steps:
        if step.HasField("key"):
            key = step.key
        else:
            index = step.index
    return Event(
        execution=event.execution_id,
        artifact=event.artifact_id,
        kind=_EVENT_KINDS.get(event.type, "input"),
        key=key,
        index=index,
    )


def ended_early_text(pid: int | None) -> str:
    """Return the error of an execution whose process is gone."""
    return f"process {'?' if pid is None else pid} ended before the node did"


def plain(properties: Mapping[str, metadata_store_pb2.Value]) -> dict[str, Any]:
    """Return properties as Python values, by name in alphabetical order."""
    return {name: _value(properties[name]) for name in sorted(properties)}


def _value(value: metadata_store_pb2.Value) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "struct_value":
        from google.protobuf import json_format

        return json_format.MessageToDict(value.struct_value)
    if kind == "proto_value":
        return f"<{value.proto_value.type_url}>"
    return getattr(value, kind)


def _state_name(execution: metadata_store_pb2.Execution) -> str:
    return str(metadata_store_pb2.Execution.State.Name(execution.last_known_state))


def _parse(text: str | None) -> Any:
    return json.loads(text) if text else None


def _duration(started: float | None, ended: float | None) -> float | None:
    return None if started is None or ended is None else max(ended - started, 0.0)
