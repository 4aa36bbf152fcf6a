"""The last operations of a TF Lite file: from a model's outputs to scores, in float."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from components.compressor import flatbuffer


def add(model: schema.ModelT, task: str, name: str = "scores") -> None:
    """Append what `components.models.scores.from_outputs` does.

    The scores of two classes are ``softmax([0, z])``, which is ``[1 - sigmoid(z), sigmoid(z)]``.
    Where z leaves a matrix, the zero is a further row of the matrix.

    Parameters
    ----------
    model : ModelT
        Of one graph with one output, float32 [n, k]; changed in place.
    task : {"binary", "multiclass", "regression"}
    name : str
        Of the output in the signature.
    """
    graph = model.subgraphs[0]
    [definition] = model.signatureDefs
    [output] = definition.outputs
    output.name = name.encode()
    if task == "regression":
        return
    index = int(graph.outputs[0])
    if task == "binary" and not _add_zero_row(model, index):
        zero_one = _constant(model, np.array([0, 1], np.float32))
        index = _operation(model, "MUL", [index, zero_one], schema.MulOptionsT(), width=2)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    width = int(graph.tensors[index].shape[-1])
    index = _operation(model, "SOFTMAX", [index], options, width=width)
    graph.outputs = np.array([index], np.int32)
    output.tensorIndex = index


def _add_zero_row(model: schema.ModelT, index: int) -> bool:
    """Widen the matrix that makes the tensor `index`; tell whether there is one."""
    graph = model.subgraphs[0]
    made_by = {int(each.outputs[0]): each for each in graph.operators}
    operator = made_by[index]
    results = [index]
    if _kind(model, operator) == schema.BuiltinOperator.DEQUANTIZE:
        operator = made_by.get(int(operator.inputs[0]))
        if operator is None:
            return False
        results.append(int(operator.outputs[0]))
    if _kind(model, operator) != schema.BuiltinOperator.FULLY_CONNECTED:
        return False
    if operator.builtinOptions.fusedActivationFunction or len(operator.inputs) < 3:
        return False
    parts = [int(each) for each in operator.inputs[1:3]]
    if any(part < 0 or model.buffers[graph.tensors[part].buffer].data is None for part in parts):
        return False
    if any(
        sum(part in each.inputs for each in graph.operators) > 1 for part in [*parts, results[-1]]
    ):
        return False
    for part in parts:
        tensor = graph.tensors[part]
        data = np.asarray(model.buffers[tensor.buffer].data)
        buffer = schema.BufferT()
        buffer.data = np.concatenate([np.zeros_like(data), data])
        tensor.buffer = len(model.buffers)
        model.buffers.append(buffer)
        tensor.shape = np.array([2, *tensor.shape[1:]], np.int32)
    for result in results:
        tensor = graph.tensors[result]
        tensor.shape = np.array([*tensor.shape[:-1], 2], np.int32)
        if tensor.shapeSignature is not None:
            tensor.shapeSignature = np.array([*tensor.shapeSignature[:-1], 2], np.int32)
    return True


def _kind(model: schema.ModelT, operator: schema.OperatorT) -> int:
    return flatbuffer.code(model.operatorCodes[operator.opcodeIndex])


def _constant(model: schema.ModelT, values: np.ndarray) -> int:
    graph = model.subgraphs[0]
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.shape = np.array(values.shape, np.int32)
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = len(model.buffers) - 1
    tensor.hasRank = True
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operation(
    model: schema.ModelT, name: str, inputs: list[int], options: Any, *, width: int
) -> int:
    """Append an operation, and return its result: float32, rows of `width` numbers."""
    graph = model.subgraphs[0]
    entry = schema.OperatorCodeT()
    entry.builtinCode = entry.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    entry.version = 1
    model.operatorCodes.append(entry)
    tensor = schema.TensorT()
    tensor.shape = np.array([1, width], np.int32)
    tensor.shapeSignature = np.array([-1, width], np.int32)
    tensor.type = schema.TensorType.FLOAT32
    tensor.hasRank = True
    graph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = np.array(inputs, np.int32)
    operator.outputs = np.array([len(graph.tensors) - 1], np.int32)
    operator.builtinOptionsType = getattr(
        schema.BuiltinOptions, type(options).__name__.removesuffix("T")
    )
    operator.builtinOptions = options
    graph.operators.append(operator)
    return len(graph.tensors) - 1
