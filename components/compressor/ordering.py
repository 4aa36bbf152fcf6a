"""The order in which a TF Lite file lists its operations."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

from components.compressor import flatbuffer


def quantize_late(model: schema.ModelT) -> None:
    """Move each operation that quantizes an input to just before the one that needs it, in place.

    LiteRT hands operations to its delegate for fast kernels in groups, by the order in the file. A
    quantization at the very start is a group of its own there, if a look-up that the delegate
    has not comes after it; and a group more costs a small network as much as a layer.
    """
    graph = model.subgraphs[0]
    codes = [flatbuffer.code(entry) for entry in model.operatorCodes]
    inputs = {int(index) for index in graph.inputs}
    waiting, ordered = [], []
    for operator in graph.operators:
        quantizes = codes[operator.opcodeIndex] == schema.BuiltinOperator.QUANTIZE
        if quantizes and int(operator.inputs[0]) in inputs:
            waiting.append(operator)
            continue
        wanted = {int(index) for index in operator.inputs}
        for each in [each for each in waiting if int(each.outputs[0]) in wanted]:
            ordered.append(each)
            waiting.remove(each)
        ordered.append(operator)
    graph.operators = [*ordered, *waiting]
