"""Late quantization: the same numbers, the look-up first."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

from components.compressor import conversion, flatbuffer
from components.compressor.recipes.base import Draft
from tests.components.compressor import models


def kinds(content: bytes) -> list[int]:
    model = flatbuffer.read(content)
    codes = [flatbuffer.code(entry) for entry in model.operatorCodes]
    return [codes[each.opcodeIndex] for each in model.subgraphs[0].operators]


def test_inputs_are_quantized_after_the_look_up():
    model, work = models.tabular()
    found = kinds(conversion.convert(Draft(model, conversion="int8"), work))
    quantize = found.index(schema.BuiltinOperator.QUANTIZE)
    assert found.index(schema.BuiltinOperator.GATHER) < quantize
    assert quantize < found.index(schema.BuiltinOperator.FULLY_CONNECTED)
