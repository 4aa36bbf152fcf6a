"""What each layer of a model costs on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from components.models.distribution.gpipe.layer_graph import Call, LayerGraph, Name, Value
from components.models.distribution.gpipe.state import unchanged

#: Calls of each function before the clock runs; least and most calls that are timed, and
#: seconds after which there are no more than the least.
WARM_UPS, LEAST_ROUNDS, MOST_ROUNDS, SECONDS = 2, 5, 101, 3.0
#: Least cost of a layer, in seconds: no layer is free, and sums shall differ.
LEAST = 1e-6


@dataclass(frozen=True)
class LayerCost:
    """Seconds that one call of a layer takes for a micro-batch.

    Attributes
    ----------
    layer : str
        Its name.
    forward : float
        Of the call.
    both : float
        Of the call and its gradients together.
    """

    layer: str
    forward: float
    both: float

    def backward(self, rematerialize: bool) -> float:
        """Return the seconds of the way back, which begins with the call if it is repeated."""
        return self.both if rematerialize else max(self.both - self.forward, LEAST)

    def total(self, rematerialize: bool) -> float:
        """Return the seconds of both ways."""
        return self.forward + self.backward(rematerialize)


def measure(graph: LayerGraph, rows: int) -> tuple[LayerCost, ...]:
    """Time each call of a model by itself, forward alone and with its gradients.

    Parameters
    ----------
    graph : LayerGraph
    rows : int
        Of a micro-batch. Its numbers are drawn from a normal distribution; integers are 0.

    Returns
    -------
    tuple of LayerCost
        Least over some rounds, less the time of a function that takes the same and does
        nothing: what else the machine does can only add to a time. In each round every layer
        has its turn.

    Notes
    -----
    Leaves the model's variables and random generators as they were.
    """
    with unchanged(graph.model):
        jobs = list(_jobs(graph, rows))
        for _ in range(WARM_UPS):
            for job in jobs:
                job()
        times: list[list[float]] = []
        until = time.perf_counter() + SECONDS
        while len(times) < MOST_ROUNDS and (
            len(times) < LEAST_ROUNDS or time.perf_counter() < until
        ):
            times.append([_seconds(job) for job in jobs])
    least = [min(turns) for turns in zip(*times, strict=True)]
    found = []
    for index, call in enumerate(graph.calls):
        nothing, forward, both = least[3 * index : 3 * index + 3]
        one, two = max(forward - nothing, LEAST), max(both - nothing, LEAST)
        found.append(LayerCost(call.layer.name, one, max(one, two)))
    return tuple(found)


def _seconds(job: Callable[[], Any]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def _jobs(graph: LayerGraph, rows: int) -> Iterator[Callable[[], Any]]:
    """Yield what is to be timed, three functions of each call: nothing, forward, both ways."""
    values: dict[Name, Value] = {
        name: (_sample(spec, index), None)
        for index, (name, spec) in enumerate(graph.specs(rows).items())
    }
    differentiable: set[Name] = set()
    for call in graph.calls:
        taken = {name: values[name] for name in call.inputs}
        sources = [name for name in taken if name in differentiable]
        forward = _forward(call, taken)
        values.update(forward())
        if call.differentiable:
            differentiable.update(call.outputs)
        yield _nothing(call, taken)
        yield forward
        yield _both(call, taken, sources)


def _nothing(call: Call, taken: dict[Name, Value]) -> Callable[[], Any]:
    @tf.function
    def function(values: dict[Name, Value]) -> dict[Name, Value]:
        for variable in call.layer.variables:  # so that they are passed to it
            variable.read_value()
        return values

    return lambda: function(taken)


def _forward(call: Call, taken: dict[Name, Value]) -> Callable[[], dict[Name, Value]]:
    function = tf.function(lambda values: call.run(values)[0])
    return lambda: function(taken)


def _both(call: Call, taken: dict[Name, Value], sources: list[Name]) -> Callable[[], Any]:
    @tf.function
    def function(values: dict[Name, Value]) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([values[name][0] for name in sources])
            outputs, penalties = call.run(values)
        targets = [tensor for tensor, _ in outputs.values() if tensor.dtype.is_floating]
        variables = call.layer.trainable_variables
        gradients = tape.gradient(
            [*targets, *penalties], [values[name][0] for name in sources] + variables
        )
        return outputs, gradients

    return lambda: function(taken)


def _sample(spec: tf.TensorSpec, index: int) -> tf.Tensor:
    if spec.dtype.is_floating:
        return tf.random.stateless_normal(spec.shape, [index, 0], dtype=spec.dtype)
    return tf.zeros(spec.shape, spec.dtype)
