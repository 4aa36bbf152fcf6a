"""Training steps of a model that is cut into stages, one a device."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras.src.engine import data_adapter

from components.errors import InputError
from components.models.distribution.gpipe import costs as layer_costs
from components.models.distribution.gpipe import layer_graph, partitioning
from components.models.distribution.gpipe.costs import LayerCost
from components.models.distribution.gpipe.layer_graph import Name
from components.models.distribution.gpipe.schedule import Timeline, bubble_share, simulate
from components.models.distribution.gpipe.stage_functions import Gradient, StageFunctions
from components.models.distribution.gpipe.state import unchanged
from components.models.distribution.gpipe.step import Objective, Step

#: Mini-batches that `GPipe.measure` takes the median of.
ROUNDS = 7
#: Takes labels, outputs and weights of the rows or None, and returns a scalar.
Loss = Callable[[Any, Any, Any], tf.Tensor]


@dataclass(frozen=True)
class Partition:
    """One stage, for the report.

    Attributes
    ----------
    device : str
    layers : tuple of str
    parameters : int
        Of its layers; those shared with other stages count in each.
    cost_share : float
        Of the measured cost of all layers, in [0, 1].
    """

    device: str
    layers: tuple[str, ...]
    parameters: int
    cost_share: float


@dataclass(frozen=True)
class Statistics:
    """How a pipeline runs.

    Attributes
    ----------
    rows : int
        Of the mini-batch that was taken.
    seconds : float
        From the start of its first task to the end of its last, median. The update of the
        weights is not in it.
    bubble_share : float
        Share of that time in which the stages were idle, median; the loss counts as
        idleness. In [0, 1].
    schedule_bubble_share : float
        The same by the schedule's own clock, from the measured costs.
    ideal_bubble_share : float
        The same of equal stages, (K - 1) / (M + K - 1).
    partitions : tuple of Partition
    """

    rows: int
    seconds: float
    bubble_share: float
    schedule_bubble_share: float
    ideal_bubble_share: float
    partitions: tuple[Partition, ...]

    @property
    def examples_per_second(self) -> float:
        """Rows in a second, weights unchanged."""
        return self.rows / self.seconds


class GPipe:
    """Trains a model by pipeline parallelism [Huang et al. 2019, GPipe].

    The layers are cut into stages of about equal measured cost. Each mini-batch is cut into
    micro-batches, which go forward through the stages one behind the other, and back in
    reverse order; their gradients are added up, and the weights change once a step. So the
    step is the one that the whole model makes with the whole mini-batch.

    Parameters
    ----------
    model : tf_keras.Model
        Functional. It stays the model that is trained: its variables, which stay where they
        are, optimizer, loss, metrics and callbacks.
    partitions : int
        Number of stages, K.
    micro_batches : int
        Micro-batches in a mini-batch, M. The paper finds 4 K of them enough to fill the
        pipeline.
    batch_size : int
        Rows of a mini-batch; a multiple of `micro_batches`.
    devices : sequence of str, optional
        One of each stage, such as ``"CPU:1"``. If not given, the first logical devices, GPUs
        where there are some.
    rematerialize : bool
        Whether only what crosses the edges of stages is kept of a micro-batch, and the rest
        is computed anew on the way back. Costs a further way forward and saves memory.
    costs : sequence of LayerCost, optional
        Those of an earlier pipeline for this model; if not given, they are measured. They
        decide where the model is cut, so a training that is resumed takes the same.

    Attributes
    ----------
    costs : tuple of LayerCost
        Of each call of a layer.
    stages : tuple of Stage

    Raises
    ------
    InputError
        If the model is not functional, has fewer layers than there are partitions, or draws
        random numbers that cannot be drawn again; if the mini-batch cannot be divided by the
        micro-batches, or there is no such device.

    Notes
    -----
    *One graph.* A step is one graph, with a call of a TensorFlow function for each task of
    the schedule. Control edges keep the tasks of a stage in the schedule's order; stages
    run at the same time, as TensorFlow's executor runs whatever is ready. Nothing
    depends on which is faster.

    *Uneven batches.* The last mini-batch of an epoch may be smaller, and not divisible: its
    micro-batches then differ by a row at most. The loss is that of the outputs of all
    micro-batches together, so that each row counts as in the whole mini-batch. Where
    there are fewer rows than micro-batches, some repeat the first row, and count for nothing.

    *Penalties.* Those on weights are counted once a step. Those on activations are means over
    rows, and so the micro-batches' are weighted by their rows.

    *Batch normalization* uses the moments of each micro-batch in training, and moves its
    averages, which are for evaluation, by the moments of the whole mini-batch, once a step
    (section 2.2 of the paper). So its gradients are not those of the whole mini-batch.

    *Random numbers* are drawn anew for each micro-batch from the layers' own generators, and
    the same are drawn again when activations are computed anew. With one micro-batch they
    are those of the model without pipeline.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        partitions: int,
        micro_batches: int,
        *,
        batch_size: int,
        devices: Sequence[str] | None = None,
        rematerialize: bool = True,
        costs: Sequence[LayerCost] | None = None,
    ) -> None:
        check_batch(batch_size, micro_batches)
        self._graph = layer_graph.read(model)
        calls = self._graph.calls
        partitioning.partition([1.0] * len(calls), partitions)  # before anything is measured
        places = _places(partitions, devices)
        if costs is None:
            costs = layer_costs.measure(self._graph, batch_size // micro_batches)
        totals = [cost.total(rematerialize) for cost in costs]
        self._parts = partitioning.ranges(partitioning.partition(totals, partitions), len(calls))
        self.model = model
        self.costs = tuple(costs)
        self.stages = layer_graph.stages(self._graph, self._parts)
        self._micro_batches = micro_batches
        self._rematerialize = rematerialize
        self._functions: list[StageFunctions] = []
        known: dict[Name, Any] = {
            name: (spec, None) for name, spec in self._graph.specs(None).items()
        }
        for stage, place in zip(self.stages, places, strict=True):
            functions = StageFunctions(
                self._graph,
                stage,
                place,
                [known[name] for name in stage.inputs],
                rematerialize=rematerialize,
            )
            known.update(zip(stage.outputs, functions.output_specs, strict=True))
            self._functions.append(functions)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Do what the model's own ``train_step`` does, with the same effect.

        Setting ``model.train_step`` to this is all that the training loops need.

        Parameters
        ----------
        data : tuple
            Features, labels and possibly weights of a mini-batch.

        Returns
        -------
        dict
            Loss and metrics.
        """
        model = self.model
        features, labels, weights = data_adapter.unpack_x_y_sample_weight(data)

        def objective(outputs: Any, penalties: list[tf.Tensor]) -> tf.Tensor:
            return model.compiled_loss(labels, outputs, weights, regularization_losses=penalties)

        step = self._step(features, objective)
        model._validate_target_and_loss(labels, step.loss)
        model.optimizer.apply_gradients(zip(step.gradients, model.trainable_variables, strict=True))
        return model.compute_metrics(features, labels, step.outputs, weights)

    def gradients(
        self, features: Any, labels: Any, sample_weight: Any = None, *, loss: Loss
    ) -> tuple[tf.Tensor, list[Gradient]]:
        """Return the loss of a mini-batch, penalties included, and its gradients.

        Parameters
        ----------
        features, labels, sample_weight
            Of the mini-batch; `sample_weight` may be None.
        loss : callable
            Takes labels, outputs and `sample_weight`, all of the whole mini-batch.

        Returns
        -------
        loss : tensor
        gradients : list
            One of each of the model's trainable variables; None where it depends on none.

        Notes
        -----
        Call it within a `tf.function`: without, stages run one after the other.
        """

        def objective(outputs: Any, penalties: list[tf.Tensor]) -> tf.Tensor:
            return loss(labels, outputs, sample_weight) + sum(penalties)

        step = self._step(features, objective)
        return step.loss, step.gradients

    def measure(self, features: Any) -> Statistics:
        """Run a mini-batch through the pipeline some times, and say how that went.

        Parameters
        ----------
        features
            Of a mini-batch of the usual size.

        Notes
        -----
        The model is the same afterwards. The graph is another than that of training, with
        clocks in it, and its loss is the mean of the outputs.
        """

        def objective(outputs: Any, penalties: list[tf.Tensor]) -> tf.Tensor:
            flat = tf.nest.flatten(outputs)
            return tf.add_n([tf.reduce_mean(tf.cast(each, tf.float32)) for each in flat])

        @tf.function
        def run(features: Any, tick: tf.Tensor) -> tuple[Any, Any]:
            step = self._step(features, objective, tick=tick)
            return step.gradients, step.times

        seconds, bubbles, tick = [], [], tf.constant(0.0)
        with unchanged(self.model):
            run(features, tick)  # traces, and finds memory
            for _ in range(ROUNDS):
                times = [np.array(each) for each in run(features, tick)[1]]
                span = max(each.max() for each in times) - min(each.min() for each in times)
                busy = sum(float((each[:, 1] - each[:, 0]).sum()) for each in times)
                seconds.append(float(span))
                bubbles.append(1 - busy / (span * len(times)))
        return Statistics(
            rows=len(tf.nest.flatten(features)[0]),
            seconds=statistics.median(seconds),
            bubble_share=statistics.median(bubbles),
            schedule_bubble_share=self.simulate(self._micro_batches).idle_share,
            ideal_bubble_share=bubble_share(len(self.stages), self._micro_batches),
            partitions=self.partitions,
        )

    def simulate(self, micro_batches: int) -> Timeline:
        """Return the schedule by its own clock, in seconds of the measured costs."""
        parts = [self.costs[part.start : part.stop] for part in self._parts]
        return simulate(
            micro_batches,
            [sum(cost.forward for cost in part) for part in parts],
            [sum(cost.backward(self._rematerialize) for cost in part) for part in parts],
        )

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The stages, for the report."""
        totals = [cost.total(self._rematerialize) for cost in self.costs]
        return tuple(
            Partition(
                functions.device,
                functions.stage.layer_names,
                _parameters(functions.stage),
                sum(totals[part.start : part.stop]) / sum(totals),
            )
            for functions, part in zip(self._functions, self._parts, strict=True)
        )

    def _step(self, features: Any, objective: Objective, *, tick: tf.Tensor | None = None) -> Step:
        """Run the schedule on a mini-batch."""
        return Step(
            self._graph, self._functions, self._micro_batches, features, objective, tick=tick
        )


def check_batch(batch_size: int, micro_batches: int) -> None:
    """Raise an `InputError` if a mini-batch cannot be cut into so many equal micro-batches."""
    if micro_batches < 1 or batch_size < 1 or batch_size % micro_batches:
        raise InputError(
            "The batch cannot be divided by the number of micro-batches.",
            setting="trainer.distribution.micro_batches",
            expected=f"a divisor of {batch_size}, the batch size",
            got=micro_batches,
            remedy="Change it, or trainer.model.batch_size.",
        )


def _places(partitions: int, devices: Sequence[str] | None) -> list[str]:
    """Return the device of each stage, by the name that TensorFlow gives it."""
    logical = [device.name for device in tf.config.list_logical_devices()]
    there = [name for name in logical if ":GPU:" in name] or logical
    if devices is None:
        if len(there) < partitions:
            raise InputError(
                "There are fewer devices than partitions.",
                setting="trainer.distribution.partitions",
                expected=f"at most {len(there)}, the number of logical devices",
                got=partitions,
                remedy="Set fewer partitions, or name a device for each; one may have several.",
            )
        return there[:partitions]
    if len(devices) != partitions:
        raise InputError(
            "Each partition needs one device.",
            setting="trainer.distribution.devices",
            expected=f"{partitions} devices",
            got=len(devices),
        )
    known = {_kind_and_index(name): name for name in logical}
    for name in devices:
        if _kind_and_index(name) not in known:
            raise InputError(
                "There is no such device.",
                setting="trainer.distribution.devices",
                expected="of " + ", ".join(f"{kind}:{index}" for kind, index in known),
                got=name,
            )
    return [known[_kind_and_index(name)] for name in devices]


def _kind_and_index(device: str) -> tuple[str, str]:
    """Return what a name of a device ends with, as in ``"/device:CPU:1"``."""
    kind, _, index = device.rpartition(":")
    return kind.rpartition("/")[2].rpartition(":")[2].upper(), index


def _parameters(stage: layer_graph.Stage) -> int:
    variables = {id(v): v for call in stage.calls for v in call.layer.weights}
    return sum(int(v.shape.num_elements()) for v in variables.values())
