"""The graph of one training step of a pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from components.models.distribution.gpipe.layer_graph import LayerGraph, Name, Value
from components.models.distribution.gpipe.schedule import Task, tasks
from components.models.distribution.gpipe.stage_functions import Gradient, StageFunctions

#: Takes the outputs of the whole mini-batch, in the model's structure, and all penalties, and
#: returns the loss.
Objective = Callable[[Any, list[tf.Tensor]], tf.Tensor]
#: Micro-batch and stage.
Cell = tuple[int, int]


class Step:
    """Loss and gradients of a mini-batch, by the schedule.

    Parameters
    ----------
    graph : LayerGraph
    functions : list of StageFunctions
    micro_batches : int
    features : structure of tensors
        Of the mini-batch; at least one row.
    objective : callable
    tick : scalar tensor, optional
        If given, each task takes its time, which costs some itself. An argument of the graph:
        TensorFlow would make constants of clocks that hang on constants.

    Attributes
    ----------
    loss : tensor
    outputs : structure of tensors
        Of the whole mini-batch.
    gradients : list
        One of each trainable variable of the model, or None.
    times : list
        Of each stage, start and end of each of its tasks, in seconds; empty if not timed.
    """

    def __init__(
        self,
        graph: LayerGraph,
        functions: list[StageFunctions],
        micro_batches: int,
        features: Any,
        objective: Objective,
        *,
        tick: tf.Tensor | None = None,
    ) -> None:
        self._graph = graph
        self._functions = functions
        self._micro_batches = range(micro_batches)
        inputs = graph.feed(features)
        self._rows = tf.shape(next(iter(inputs.values()))[0])[0]
        self._sizes = self._rows // micro_batches + tf.cast(
            tf.range(micro_batches) < self._rows % micro_batches, tf.int32
        )
        self._values = self._cut(inputs)
        self._backs: dict[Cell, Callable[..., list[Gradient]]] = {}
        self._penalties: dict[Cell, tf.Tensor] = {}
        self._averages: dict[Cell, list[tf.Tensor]] = {}
        # Gradients of what crosses the edges of stages, of each micro-batch; of variables.
        self._flowing: list[dict[Name, Gradient]] = [{} for _ in self._micro_batches]
        self._sums: dict[int, Gradient] = {}
        self._ended: list[list[tf.Tensor]] = [[] for _ in functions]
        self._tick = tick
        self.times: list[list[tuple[tf.Tensor, tf.Tensor]]] = [[] for _ in functions]
        self._run(objective)
        self.gradients = [self._sums[id(v)] for v in graph.model.trainable_variables]

    def _cut(self, inputs: dict[Name, Value]) -> list[dict[Name, Value]]:
        """Return the inputs of each micro-batch, of at least one row."""
        starts = tf.cumsum(self._sizes, exclusive=True)
        starts = tf.where(self._sizes > 0, starts, 0)
        ends = starts + tf.maximum(self._sizes, 1)
        return [
            {name: (tensor[starts[m] : ends[m]], None) for name, (tensor, _) in inputs.items()}
            for m in self._micro_batches
        ]

    def _run(self, objective: Objective) -> None:
        order = tasks(len(self._functions), len(self._micro_batches))
        for task in order:
            if task.kind == "forward":
                self._run_forward(task)
        self._meet(objective)
        for task in order:
            if task.kind == "backward" and self._functions[task.stage].has_backward:
                self._run_backward(task)
        self._move_averages()

    def _run_forward(self, task: Task) -> None:
        cell = task.micro_batch, task.stage
        functions, values = self._functions[task.stage], self._values[task.micro_batch]
        taken = [values[name] for name in functions.stage.inputs]
        with self._on_stage(task.stage, taken) as results:
            done, self._backs[cell] = functions.forward(taken)
            results += tf.nest.flatten(done.outputs)
        values.update(zip(functions.stage.outputs, done.outputs, strict=True))
        self._averages[cell] = done.averages
        if done.penalty is not None:
            self._penalties[cell] = done.penalty

    def _meet(self, objective: Objective) -> None:
        """Compute the loss of all micro-batches together, and the first gradients."""
        names = dict.fromkeys(self._graph.outputs)
        parts = {name: [values[name] for values in self._values] for name in names}
        tensors = {name: [tensor for tensor, _ in parts[name]] for name in names}
        model = self._graph.model
        with tf.device(self._functions[-1].device), tf.GradientTape() as tape:
            tape.watch([tensors, self._penalties])
            whole = {name: self._join(parts[name]) for name in names}
            self.outputs = tf.nest.pack_sequence_as(
                model._nested_outputs, [whole[name] for name in self._graph.outputs]
            )
            penalties = [
                tf.cast(self._sizes[m] / self._rows, each.dtype) * each
                for (m, _), each in self._penalties.items()
            ]
            self.loss = objective(self.outputs, [*self._graph.weight_penalties(), *penalties])
        of_outputs, self._of_penalties, of_variables = tape.gradient(
            self.loss, (tensors, self._penalties, model.trainable_variables)
        )
        for name, gradients in of_outputs.items():
            for flowing, gradient in zip(self._flowing, gradients, strict=True):
                flowing[name] = gradient
        for variable, gradient in zip(model.trainable_variables, of_variables, strict=True):
            self._sums[id(variable)] = gradient

    def _run_backward(self, task: Task) -> None:
        cell = task.micro_batch, task.stage
        functions, flowing = self._functions[task.stage], self._flowing[task.micro_batch]
        stage = functions.stage
        given = [flowing.pop(name, None) for name in stage.outputs]
        penalty = self._of_penalties.get(cell)
        with self._on_stage(task.stage, [given, penalty]) as results:
            found = self._backs[cell](given, penalty)
            results += tf.nest.flatten(found, expand_composites=True)
            edge = len(stage.inputs)
            for name, gradient in zip(stage.inputs, found[:edge], strict=True):
                flowing[name] = _add(flowing.get(name), gradient)
            for variable, gradient in zip(functions.variables, found[edge:], strict=True):
                self._sums[id(variable)] = _add(self._sums[id(variable)], gradient)

    @contextmanager
    def _on_stage(self, stage: int, inputs: Any) -> Iterator[list[tf.Tensor]]:
        """Run a task on its stage's device, behind the task before.

        Yields the list that takes the results.
        """
        results: list[tf.Tensor] = []
        before = self._ended[stage]
        with tf.device(self._functions[stage].device):
            start = self._stamp([*before, *_tensors(inputs)])
            with tf.control_dependencies([*before, *start]):
                yield results
            ended = _tensors(results)
            end = self._stamp(ended)
        self._ended[stage] = end or ended or before
        self.times[stage] += zip(start, end, strict=True)

    def _stamp(self, after: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the time at which the given tensors are there, if it is wanted.

        TensorFlow's own clock refuses to run where operations are deterministic, and clocks
        that count as stateful would wait for one another, and the stages with them.
        """
        if self._tick is None:
            return []
        with tf.control_dependencies(after):
            return [tf.numpy_function(_now, [self._tick], tf.float64, stateful=False)]

    def _move_averages(self) -> None:
        """Move those of batch normalizations, once for each call in the model."""
        moves = []
        for stage, functions in enumerate(self._functions):
            each = [self._averages[m, stage] for m in self._micro_batches]
            for index, moved in enumerate(functions.moved):
                means, variances = ([a[2 * index + part] for a in each] for part in (0, 1))
                moves.append((moved, moved.moments(means, variances, self._sizes)))
        for moved, moments in moves:
            moved.move(moments)

    def _join(self, parts: list[Value]) -> tf.Tensor:
        """Return the rows of all micro-batches, without those that are repeated."""

        def join(tensors: list[tf.Tensor]) -> tf.Tensor:
            return tf.concat([t[: self._sizes[m]] for m, t in enumerate(tensors)], 0)

        whole = join([tensor for tensor, _ in parts])
        if parts[0][1] is not None:
            whole._keras_mask = join([mask for _, mask in parts])
        return whole


def _now(tick: np.ndarray) -> float:
    return time.perf_counter()


def _tensors(structure: Any) -> list[tf.Tensor]:
    flat = tf.nest.flatten(structure, expand_composites=True)
    return [tensor for tensor in flat if tensor is not None]


def _add(one: Gradient, other: Gradient) -> Gradient:
    """Return the sum of two gradients, one of which may be none; sparse if both are."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, tf.IndexedSlices) and isinstance(other, tf.IndexedSlices):
        return tf.IndexedSlices(
            tf.concat([one.values, other.values], 0),
            tf.concat([one.indices, other.indices], 0),
            one.dense_shape,
        )
    return tf.convert_to_tensor(one) + tf.convert_to_tensor(other)
