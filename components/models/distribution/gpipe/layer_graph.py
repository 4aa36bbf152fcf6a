"""A functional model as a sequence of calls of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tensorflow as tf
import tf_keras

from components.errors import InputError

#: Name of a tensor of the model: Keras' own, of the symbolic tensor.
Name = str
#: What stands behind a name: the tensor, and Keras' mask of it or None.
Value = tuple[tf.Tensor, tf.Tensor | None]


@dataclass(frozen=True)
class Call:
    """One call of a layer; a shared layer has several.

    Attributes
    ----------
    node : Node
        Keras' record of the call.
    differentiable : bool
        Whether what it returns depends on a variable that is trained.
    """

    node: Any
    differentiable: bool

    @property
    def layer(self) -> tf_keras.layers.Layer:
        return self.node.layer

    @property
    def inputs(self) -> tuple[Name, ...]:
        return tuple(self.node.flat_input_ids)

    @property
    def outputs(self) -> tuple[Name, ...]:
        return tuple(self.node.flat_output_ids)

    @cached_property
    def layers(self) -> tuple[tf_keras.layers.Layer, ...]:
        """The layer and those within it."""
        return tuple(self.layer._flatten_layers())

    def run(self, values: Mapping[Name, Value]) -> tuple[dict[Name, Value], list[tf.Tensor]]:
        """Call the layer as in training.

        Parameters
        ----------
        values : mapping
            Holds at least its inputs.

        Returns
        -------
        outputs : dict
        penalties : list of scalar tensors
            That the layer adds to the loss, as an activity regularizer does; those on
            weights are not among them.
        """
        tensors: dict[Name, list[tf.Tensor]] = {}
        for name in self.inputs:
            tensor, mask = values[name]
            if mask is not None:
                tensor._keras_mask = mask
            tensors.setdefault(name, []).append(tensor)
        args, kwargs = self.node.map_arguments(tensors)
        if self.layer._call_spec.expects_training_arg and kwargs.get("training") is None:
            kwargs["training"] = True
        results = tf.nest.flatten(self.layer(*args, **kwargs))
        penalties = [loss for layer in self.layers for loss in layer._eager_losses]
        # Else the model would count them again, or in a graph they are not of.
        self.layer._clear_losses()
        outputs = {
            name: (result, getattr(result, "_keras_mask", None))
            for name, result in zip(self.outputs, results, strict=True)
        }
        return outputs, penalties


@dataclass(frozen=True)
class LayerGraph:
    """The calls of a model in an order in which each finds its inputs.

    Attributes
    ----------
    model : tf_keras.Model
    calls : tuple of Call
    inputs, outputs : tuple of str
        Names of the model's inputs and outputs, in Keras' order.
    """

    model: tf_keras.Model
    calls: tuple[Call, ...]
    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]

    def feed(self, features: Any) -> dict[Name, Value]:
        """Return the model's inputs by name, from whatever structure Keras takes.

        They are of the type that the model asks for.
        """
        flat = self.model._flatten_to_reference_inputs(features)
        tensors = [
            self.model._conform_to_reference_input(tf.convert_to_tensor(value), ref_input=symbol)
            for value, symbol in zip(flat, self.model.inputs, strict=True)
        ]
        return {name: (tensor, None) for name, tensor in zip(self.inputs, tensors, strict=True)}

    def weight_penalties(self) -> list[tf.Tensor]:
        """Return what regularizers of weights add to the loss.

        Keras' own list holds those of activations, too, from when the model was built.
        """
        found = [
            penalty()
            for layer in self.model._flatten_layers()
            for penalty in layer._callable_losses
        ]
        return [penalty for penalty in found if penalty is not None]

    def specs(self, rows: int | None) -> dict[Name, tf.TensorSpec]:
        """Return shape and type of the model's inputs, for so many rows.

        Raises
        ------
        InputError
            If a size other than the number of rows is open.
        """
        found = {}
        for name, symbol in zip(self.inputs, self.model.inputs, strict=True):
            shape = symbol.shape[1:]
            if not shape.is_fully_defined():
                raise InputError(
                    f"The input {symbol.name} of the model has no fixed shape.",
                    setting="trainer.distribution.strategy",
                    expected="inputs whose sizes are known, all but the number of rows",
                    got=tuple(symbol.shape),
                    remedy="Give the shape in tf_keras.Input, or take another strategy.",
                )
            found[name] = tf.TensorSpec([rows, *shape], symbol.dtype)
        return found


def read(model: tf_keras.Model) -> LayerGraph:
    """Return the calls of a functional model.

    Raises
    ------
    InputError
        If the model is not functional: only of such a one is it known which layer needs
        what of which.
    """
    if not (model._is_graph_network and model.built):
        raise InputError(
            "A pipeline takes functional models only.",
            setting="trainer.distribution.strategy",
            expected="a model made by tf_keras.Model(inputs, outputs)",
            got=type(model).__name__,
            remedy="Build it by the functional API, or take another strategy.",
        )
    trained = {id(variable) for variable in model.trainable_variables}
    differentiable: set[Name] = set()
    calls = []
    for node in _nodes(model):
        inputs, outputs = node.flat_input_ids, node.flat_output_ids
        depends = bool(differentiable.intersection(inputs)) or any(
            id(variable) in trained for variable in node.layer.trainable_variables
        )
        if depends:
            differentiable.update(outputs)
        calls.append(Call(node, depends))
    return LayerGraph(
        model,
        tuple(calls),
        tuple(str(id(symbol)) for symbol in model.inputs),
        tuple(str(id(symbol)) for symbol in model.outputs),
    )


def _nodes(model: tf_keras.Model) -> Iterator[Any]:
    """Yield the calls in the order in which the model itself makes them."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                yield node


@dataclass(frozen=True)
class Stage:
    """Consecutive calls that run on one device, and what crosses its edges.

    Attributes
    ----------
    index : int
    calls : tuple of Call
    inputs : tuple of str
        Tensors of the model's input or of earlier stages that its layers take. A tensor that
        skips stages is sent straight to each stage that takes it.
    outputs : tuple of str
        Its tensors that later stages take, or that the model returns.
    differentiable : frozenset of str
        Inputs and outputs through which gradients flow.
    """

    index: int
    calls: tuple[Call, ...]
    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]
    differentiable: frozenset[Name]

    @property
    def layer_names(self) -> tuple[str, ...]:
        """One of each call."""
        return tuple(call.layer.name for call in self.calls)

    def trainable_variables(self, graph: LayerGraph) -> list[tf.Variable]:
        """Return those of the model that its layers hold, in the model's order."""
        mine = {id(v) for call in self.calls for v in call.layer.trainable_variables}
        return [v for v in graph.model.trainable_variables if id(v) in mine]


def stages(graph: LayerGraph, parts: Sequence[range]) -> tuple[Stage, ...]:
    """Return the stages that consist of the given calls.

    Parameters
    ----------
    graph : LayerGraph
    parts : sequence of range
        Indices of calls, in order and without gaps.
    """
    differentiable = {name for call in graph.calls if call.differentiable for name in call.outputs}
    found = []
    for index, part in enumerate(parts):
        calls = tuple(graph.calls[i] for i in part)
        made = [name for call in calls for name in call.outputs]
        later = {name for call in graph.calls[part.stop :] for name in call.inputs}
        inputs = dict.fromkeys(name for call in calls for name in call.inputs)
        wanted = later.union(graph.outputs)
        crossing = (
            tuple(name for name in inputs if name not in made),
            tuple(name for name in made if name in wanted),
        )
        edges = differentiable.intersection((*crossing[0], *crossing[1]))
        found.append(Stage(index, calls, *crossing, frozenset(edges)))
    return tuple(found)
