"""What a TF Lite file holds: read back from its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from components.compressor import flatbuffer

#: Operations with weights: which input these are, and along which axis of it a channel lies.
_WEIGHTS = {
    schema.BuiltinOperator.FULLY_CONNECTED: (1, 0),
    schema.BuiltinOperator.CONV_2D: (1, 0),
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: (1, 3),
    schema.BuiltinOperator.GATHER: (0, 1),
    schema.BuiltinOperator.EMBEDDING_LOOKUP: (1, 1),
    schema.BuiltinOperator.BATCH_MATMUL: (1, 1),
}
_OPERATIONS = {
    value: name.lower()
    for name, value in vars(schema.BuiltinOperator).items()
    if isinstance(value, int)
}
_DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.FLOAT64: np.float64,
}


@dataclass(frozen=True)
class Weights:
    """A matrix, kernel or table of weights in a TF Lite file; biases are none.

    Attributes
    ----------
    name : str
        The operation that takes it, with a number where there are several:
        ``fully_connected_0``.
    shape : tuple of int
        As TF Lite has it: [outputs, inputs] of a matrix, [filters, height, width, channels]
        of a convolution, [1, height, width, channels] of a depthwise one, [rows, width] of
        a table.
    dtype : str
        What the file keeps: ``float32``, ``float16``, ``int16``, ``int8``.
    scales : int
        Number of scales: 1, or one for each output channel; 0 if it is not quantized.
    zeros : float
        Share of the weights that stand for 0, in [0, 1].
    unique : int
        Distinct stored values but that of 0.
    unique_of_channel : int
        The same within one output channel: the largest of all channels. With a scale for each
        channel, equal weights of different channels are stored as different numbers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: int
    zeros: float
    unique: int
    unique_of_channel: int

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Reading:
    """What a TF Lite file holds.

    Attributes
    ----------
    weights : tuple of Weights
        In the order of the operations.
    operations : tuple of str
        Names of all operations in the order in which they run.
    bytes : int
        Of the file.
    """

    weights: tuple[Weights, ...]
    operations: tuple[str, ...]
    bytes: int

    @property
    def parameters(self) -> int:
        """Number of weights in all of `weights`."""
        return sum(each.size for each in self.weights)

    @property
    def sparsity(self) -> float:
        """Share of all weights that stand for 0."""
        return sum(each.zeros * each.size for each in self.weights) / max(self.parameters, 1)

    @property
    def unique(self) -> int:
        """Sum of the distinct stored values, but those of 0, of each matrix, kernel and table."""
        return sum(each.unique for each in self.weights)


def read(content: bytes) -> Reading:
    """Return what a TF Lite file holds."""
    model = flatbuffer.read(content)
    graph = model.subgraphs[0]
    codes = [flatbuffer.code(entry) for entry in model.operatorCodes]
    operations = tuple(_OPERATIONS[codes[each.opcodeIndex]] for each in graph.operators)
    counts: dict[str, int] = {}
    weights, seen = [], set()
    for index, (operation, axis) in _with_weights(graph, codes):
        number = counts.get(operation, 0)
        counts[operation] = number + 1
        tensor = graph.tensors[index]
        if index not in seen and tensor.type in _DTYPES:
            seen.add(index)
            weights.append(_weights(f"{operation}_{number}", tensor, model.buffers, axis))
    return Reading(tuple(weights), operations, len(content))


def _with_weights(
    graph: schema.SubGraphT, codes: list[int]
) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield the tensors of weights, with the names of their operations and channel axes."""
    made_by = {int(each.outputs[0]): each for each in graph.operators}
    unpacking = (schema.BuiltinOperator.DEQUANTIZE, schema.BuiltinOperator.DENSIFY)
    for operator in graph.operators:
        kind = codes[operator.opcodeIndex]
        if kind not in _WEIGHTS:
            continue
        position, axis = _WEIGHTS[kind]
        index = int(operator.inputs[position])
        while index in made_by and codes[made_by[index].opcodeIndex] in unpacking:
            index = int(made_by[index].inputs[0])
        if index not in made_by and index not in graph.inputs:
            yield index, (_OPERATIONS[kind], axis)


def _weights(
    name: str, tensor: schema.TensorT, buffers: list[schema.BufferT], axis: int
) -> Weights:
    shape = tuple(int(size) for size in tensor.shape)
    dtype = np.dtype(_DTYPES[tensor.type])
    values = np.frombuffer(bytes(buffers[tensor.buffer].data), dtype).reshape(shape)
    quantization = tensor.quantization
    scales = 0
    zero: np.ndarray | int = 0
    if quantization is not None and quantization.scale is not None:
        scales = len(quantization.scale)
        zero = np.asarray(quantization.zeroPoint)
        if scales > 1:
            axis = int(quantization.quantizedDimension)
            zero = zero.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    values = values.astype(np.float64) - zero
    channels = np.moveaxis(values, axis, 0).reshape(shape[axis], -1)
    return Weights(
        name=name,
        shape=shape,
        dtype=dtype.name,
        scales=scales,
        zeros=float(np.mean(values == 0)),
        unique=_distinct(values),
        unique_of_channel=max(_distinct(channel) for channel in channels),
    )


def _distinct(values: np.ndarray) -> int:
    return len(np.unique(values[values != 0]))
