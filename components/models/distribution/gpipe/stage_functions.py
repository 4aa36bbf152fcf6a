"""What one stage does with a micro-batch, as TensorFlow functions on its device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from components.errors import InputError
from components.models.distribution.gpipe import state
from components.models.distribution.gpipe.layer_graph import LayerGraph, Name, Stage, Value

Gradient = tf.Tensor | tf.IndexedSlices | None
#: Else TensorFlow takes the calls apart, and may run what is computed anew right away.
_WHOLE = {"_noinline": True}


@dataclass
class Forward:
    """What a micro-batch leaves behind on its way forward.

    Attributes
    ----------
    outputs : list of Value
        Of the stage, in the order of its names.
    penalty : scalar tensor or None
        What its layers add to the loss of these rows.
    before : list of tensor
        State of the stage before, that its layers have changed since.
    averages : list of tensor
        Mean and variance of each batch normalization, moved by these rows alone.
    """

    outputs: list[Value]
    penalty: tf.Tensor | None
    before: list[tf.Tensor]
    averages: list[tf.Tensor]


class StageFunctions:
    """The two directions of one stage.

    Parameters
    ----------
    graph : LayerGraph
    stage : Stage
    device : str
    inputs : list
        Shape and type of each tensor that comes in, and of its mask or None.
    rematerialize : bool
        Whether a way back begins with the way forward.

    Attributes
    ----------
    variables : list of tf.Variable
        What the stage trains, in the model's order.
    output_specs : list
        As `inputs`, of what goes out.
    moved : list of MovingAverages
        The batch normalizations whose averages a call moves, one of each call.

    Raises
    ------
    InputError
        If a way forward cannot be repeated: a layer draws at random from a hidden
        state, or changes a variable that no layer of the stage owns.

    Notes
    -----
    The averages of batch normalizations are the same after a call as before it: each
    micro-batch moves them from where they stood, and `state.MovingAverages` puts the
    results together.
    """

    def __init__(
        self,
        graph: LayerGraph,
        stage: Stage,
        device: str,
        inputs: list[Any],
        *,
        rematerialize: bool,
    ) -> None:
        self.stage = stage
        self.device = device
        self.variables = stage.trainable_variables(graph)
        self.moved: list[state.MovingAverages] = []
        self._rematerialize = rematerialize
        self._carried: list[tf.Variable] = []
        self._forward = tf.function(self._run_forward, experimental_attributes=_WHOLE)
        self._backward = tf.function(self._run_backward, experimental_attributes=_WHOLE)
        traced = self._forward.get_concrete_function(inputs)
        if rematerialize:
            self._check_repeatable(traced)
        self.output_specs, _, _, _ = traced.structured_outputs

    @property
    def has_backward(self) -> bool:
        """Whether there is anything to learn here or before."""
        return any(call.differentiable for call in self.stage.calls)

    def forward(self, inputs: list[Value]) -> tuple[Forward, Callable[..., list[Gradient]]]:
        """Return what a micro-batch becomes, and the function that leads back.

        The latter takes a gradient (or None) of each output, and of the penalty, and
        returns one of each input and each of `variables`.
        """
        if self._rematerialize:
            done = Forward(*self._forward(inputs))

            def back(outputs: list[Gradient], penalty: Gradient) -> list[Gradient]:
                return self._backward(inputs, done.before, outputs, penalty)

            return done, back
        with tf.GradientTape() as tape:
            tape.watch([inputs[i][0] for i in self._sources])
            done = Forward(*self._forward(inputs))

        def back(outputs: list[Gradient], penalty: Gradient) -> list[Gradient]:
            return self._pull(tape, inputs, done.outputs, done.penalty, outputs, penalty)

        return done, back

    @property
    def _sources(self) -> list[int]:
        """Indices of the inputs that gradients go back through."""
        names = self.stage.inputs
        return [i for i, name in enumerate(names) if name in self.stage.differentiable]

    def _pull(
        self,
        tape: tf.GradientTape,
        inputs: list[Value],
        outputs: list[Value],
        penalty: tf.Tensor | None,
        output_gradients: list[Gradient],
        penalty_gradient: Gradient,
    ) -> list[Gradient]:
        pairs = [
            (tensor, gradient)
            for (tensor, _), gradient in zip(outputs, output_gradients, strict=True)
            if gradient is not None
        ]
        if penalty is not None and penalty_gradient is not None:
            pairs.append((penalty, penalty_gradient))
        sources = self._sources
        found: list[Gradient] = [None] * len(inputs)
        gradients = tape.gradient(
            [tensor for tensor, _ in pairs],
            [inputs[i][0] for i in sources] + self.variables,
            [gradient for _, gradient in pairs],
        )
        for index, gradient in zip(sources, gradients, strict=False):
            found[index] = gradient
        return found + gradients[len(sources) :]

    def _run_forward(
        self, inputs: list[Value]
    ) -> tuple[list[Value], tf.Tensor | None, list[tf.Tensor], list[tf.Tensor]]:
        with tf.device(self.device):
            candidates = list(self._candidates())
            before = [tf.identity(variable) for variable in candidates]
            outputs, penalty, moved, averages = self._run(inputs)
            changed = [state.written(variable) for variable in candidates]
            self.moved = moved
            self._carried = [v for v, each in zip(candidates, changed, strict=True) if each]
            kept = [value for value, each in zip(before, changed, strict=True) if each]
            return outputs, penalty, kept, averages

    def _run_backward(
        self,
        inputs: list[Value],
        before: list[tf.Tensor],
        output_gradients: list[Gradient],
        penalty_gradient: Gradient,
    ) -> list[Gradient]:
        with tf.device(self.device):
            with _set_back(self._carried, before), tf.GradientTape() as tape:
                tape.watch([inputs[i][0] for i in self._sources])
                outputs, penalty, _, _ = self._run(inputs)
            return self._pull(tape, inputs, outputs, penalty, output_gradients, penalty_gradient)

    def _run(
        self, inputs: list[Value]
    ) -> tuple[list[Value], tf.Tensor | None, list[state.MovingAverages], list[tf.Tensor]]:
        """Call the layers; leave the averages of batch normalizations as they are."""
        values: dict[Name, Value] = dict(zip(self.stage.inputs, inputs, strict=True))
        penalties: list[tf.Tensor] = []
        moved, averages = [], []
        for call in self.stage.calls:
            candidates = [
                state.MovingAverages(layer) for layer in state.batch_normalizations(call.layers)
            ]
            olds = [[v.read_value() for v in each.variables] for each in candidates]
            outputs, added = call.run(values)
            values.update(outputs)
            penalties += added
            for each, old in zip(candidates, olds, strict=True):
                if not any(state.written(variable) for variable in each.variables):
                    continue
                moved.append(each)
                for variable, value in zip(each.variables, old, strict=True):
                    averages.append(variable.read_value())
                    variable.assign(value)
        penalty = tf.add_n(penalties) if penalties else None
        return [values[name] for name in self.stage.outputs], penalty, moved, averages

    def _candidates(self) -> Iterator[tf.Variable]:
        """Yield the variables that calls may change, but the averages."""
        layers = {id(layer): layer for call in self.stage.calls for layer in call.layers}.values()
        normalizations = state.batch_normalizations(layers)
        averages = {id(v) for each in normalizations for v in state.MovingAverages(each).variables}
        found: dict[int, tf.Variable] = {}
        for layer in layers:
            found.update((id(v), v) for v in layer.non_trainable_variables)
            found.update((id(g.state), g.state) for g in state.generators(layer))
        yield from (v for key, v in found.items() if key not in averages)

    def _check_repeatable(self, traced: tf.types.experimental.ConcreteFunction) -> None:
        drawn = state.hidden_draws(traced)
        if drawn:
            raise InputError(
                f"A layer of the stage {', '.join(self.stage.layer_names)} draws random numbers "
                "that cannot be drawn again, when its outputs are computed anew.",
                setting="trainer.distribution.rematerialize",
                expected='layers with rng_type="stateful", or an own tf.random.Generator',
                got=", ".join(sorted(drawn)),
                remedy='Write Dropout(rate, rng_type="stateful"), or set rematerialize to false.',
            )
        known = {id(variable.handle) for variable in self._candidates()}
        known |= {id(v.handle) for each in self.moved for v in each.variables}
        for handle, captured in traced.graph.captures:
            if (
                handle.dtype == tf.resource
                and id(handle) not in known
                and not state.unwritten(captured)
            ):
                raise InputError(
                    f"The stage {', '.join(self.stage.layer_names)} changes something that none "
                    "of its layers owns, so that its outputs cannot be computed anew.",
                    setting="trainer.distribution.rematerialize",
                    expected="layers that change no variables but their own",
                    got=captured.name,
                    remedy="Make it a non-trainable weight, or set rematerialize to false.",
                )


@contextmanager
def _set_back(variables: Sequence[tf.Variable], values: Sequence[tf.Tensor]) -> Iterator[None]:
    """Give variables earlier values for a while."""
    now = [tf.identity(variable) for variable in variables]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    yield
    for variable, value in zip(variables, now, strict=True):
        variable.assign(value)
