"""What differs between two runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.store.records import Event, Execution, Run, Value

#: The parameter that holds a digest of the component's code.
_CODE = "code_fingerprint"

Pair = tuple[Value, Value]


@dataclass(frozen=True)
class Side:
    """One of the two runs.

    Attributes
    ----------
    run : Run
    executions : sequence of Execution
        Of the run.
    events : sequence of Event
        Of the executions and their origins.
    origins : mapping
        Cached execution -> the execution whose outputs it took.
    """

    run: Run
    executions: Sequence[Execution]
    events: Sequence[Event]
    origins: Mapping[int, Execution]

    def last_attempts(self) -> dict[str, Execution]:
        """Return the last attempt at each node."""
        ordered = sorted(self.executions, key=lambda execution: execution.id)
        return {execution.node or execution.type: execution for execution in ordered}


@dataclass(frozen=True)
class NodeDifference:
    """A node in two runs; each pair has the value in the first and in the second.

    Attributes
    ----------
    node : str
    states : pair of str or None
        None where the run has no such node.
    seconds : pair of float or None
    parameters : dict
        The parameters that differ; those that hold JSON by dotted names
        (``config.epochs``).
    code : pair of str or None, or None
        The code's fingerprints, if they differ.
    inputs : dict
        Input channel -> pair of lists of artifact ids, where they differ.
    """

    node: str
    states: tuple[str | None, str | None]
    seconds: tuple[float | None, float | None]
    parameters: dict[str, Pair]
    code: Pair | None
    inputs: dict[str, Pair]

    @property
    def differs(self) -> bool:
        """Whether anything but the time and the use of the cache differs."""
        good = {"COMPLETE": "success", "CACHED": "success"}
        first, second = (good.get(str(state), state) for state in self.states)
        return bool(first != second or self.parameters or self.code or self.inputs)


@dataclass(frozen=True)
class Comparison:
    """Two runs.

    Attributes
    ----------
    run_a, run_b : Run
    nodes : tuple of NodeDifference
        Every node of either run, in the order in which they ran.
    metrics : dict
        Every metric -> its value in either run.
    """

    run_a: Run
    run_b: Run
    nodes: tuple[NodeDifference, ...]
    metrics: dict[str, tuple[float | None, float | None]]


def compare(a: Side, b: Side) -> Comparison:
    """Return what differs between two runs."""
    nodes_a, nodes_b = a.last_attempts(), b.last_attempts()
    nodes = []
    for node in dict.fromkeys([*nodes_a, *nodes_b]):
        in_a, in_b = nodes_a.get(node), nodes_b.get(node)
        parameters: dict[str, Pair] = {}
        inputs: dict[str, Pair] = {}
        code = None
        if in_a and in_b:
            origin_a, origin_b = _origin(in_a, a), _origin(in_b, b)
            parameters = _differing(_flat(origin_a.parameters), _flat(origin_b.parameters))
            code = parameters.pop(_CODE, None)
            inputs = _differing(_inputs(origin_a, a), _inputs(origin_b, b))
        nodes.append(
            NodeDifference(
                node=node,
                states=(in_a.state if in_a else None, in_b.state if in_b else None),
                seconds=(in_a.seconds if in_a else None, in_b.seconds if in_b else None),
                parameters=parameters,
                code=code,
                inputs=inputs,
            )
        )
    names = dict.fromkeys([*a.run.metrics, *b.run.metrics])
    metrics = {name: (a.run.metrics.get(name), b.run.metrics.get(name)) for name in names}
    return Comparison(a.run, b.run, tuple(nodes), metrics)


def _origin(execution: Execution, side: Side) -> Execution:
    """Return the execution that did the work: a partial run's copies name no parameters."""
    return side.origins.get(execution.id, execution)


def _inputs(execution: Execution, side: Side) -> dict[str, Value]:
    """Return the ids of the artifacts on each input channel, in order."""
    channels: dict[str, list[tuple[int, int]]] = {}
    for event in side.events:
        if event.execution == execution.id and event.kind == "input":
            channels.setdefault(event.key or "", []).append((event.index, event.artifact))
    return {key: [artifact for _, artifact in sorted(items)] for key, items in channels.items()}


def _flat(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Return parameters with those that hold JSON objects taken apart, by dotted names."""
    flat: dict[str, Value] = {}
    for name, value in parameters.items():
        _flatten(name, _decode(value), flat)
    return flat


def _decode(value: Value) -> Value:
    if isinstance(value, str) and value.startswith("{"):
        try:
            decoded: Value = json.loads(value)
        except json.JSONDecodeError:
            return value
        return decoded
    return value


def _flatten(name: str, value: Any, flat: dict[str, Value]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(f"{name}.{key}", item, flat)
    else:
        flat[name] = value


def _differing(a: Mapping[str, Value], b: Mapping[str, Value]) -> dict[str, Pair]:
    return {
        name: (a.get(name), b.get(name))
        for name in dict.fromkeys([*a, *b])
        if a.get(name) != b.get(name)
    }
