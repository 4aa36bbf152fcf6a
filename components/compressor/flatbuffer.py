"""TF Lite files without what no runtime reads.

A converter's file of a small network is more wrapping than weights. `slim` writes the same graph
again without names (but those of inputs and outputs), metadata, calibrated ranges, and tensors
that nothing uses, and with one copy of everything: tables and vectors of a flatbuffer may be
pointed at from several places, so that all constants, shapes, quantization parameters and tensors
that are equal share their bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
#: Alignment of constants that the schema asks for, in bytes.
_ALIGNMENT = 16
#: Codes of operations above it do not fit the older of the two fields.
_LARGEST_OLD_CODE = 126


def read(content: bytes) -> schema.ModelT:
    """Return the objects of a TF Lite file."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def slim(content: bytes, signature: str | None = None) -> bytes:
    """Return a TF Lite file that computes the same in fewer bytes.

    Parameters
    ----------
    content : bytes
        A TF Lite file of one graph with one signature.
    signature : str, optional
        New name of that signature.

    Returns
    -------
    bytes
        Inputs and outputs have the names that the signature gives them.

    Raises
    ------
    ValueError
        If there are several graphs or signatures.
    """
    return write(read(content), signature)


def write(model: schema.ModelT, signature: str | None = None) -> bytes:
    """Return the file of `model`; see `slim`."""
    if len(model.subgraphs) != 1 or len(model.signatureDefs or ()) != 1:
        raise ValueError("one graph with one signature expected")
    return _Writer(model).file(signature)


def whole(model: schema.ModelT) -> bytes:
    """Return the file of `model` with all that it holds."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def code(entry: schema.OperatorCodeT) -> int:
    """Return which built-in operation an entry of a file's table of operations is."""
    return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))


class _Writer:
    """Writes one model from its leaves to its root, each distinct part once."""

    def __init__(self, model: schema.ModelT) -> None:
        self._model = model
        self._graph = model.subgraphs[0]
        self._builder = flatbuffers.Builder(1024)
        self._written: dict[Any, int] = {}
        self._buffers: list[bytes] = [b""]  # a tensor without content has the first
        self._codes: list[tuple[int, int, bytes | None]] = []
        self._names: dict[int, bytes] = {}

    def file(self, signature: str | None) -> bytes:
        builder = self._builder
        [definition] = self._model.signatureDefs
        for entry in [*definition.inputs, *definition.outputs]:
            self._names[int(entry.tensorIndex)] = entry.name
        graph = self._subgraph()
        key = definition.signatureKey if signature is None else signature.encode()
        signatures = self._offsets([self._signature(definition, key)])
        buffers = self._offsets([self._buffer(each) for each in self._buffers])
        codes = self._offsets([self._code(*each) for each in self._codes])
        graphs = self._offsets([graph])
        root = self._table(
            schema.ModelStart,
            schema.ModelEnd,
            (schema.ModelAddVersion, self._model.version),
            (schema.ModelAddOperatorCodes, codes),
            (schema.ModelAddSubgraphs, graphs),
            (schema.ModelAddBuffers, buffers),
            (schema.ModelAddSignatureDefs, signatures),
        )
        builder.Finish(root, _IDENTIFIER)
        return bytes(builder.Output())

    def _once(self, key: Any, make: Callable[[], int]) -> int:
        if key not in self._written:
            self._written[key] = make()
        return self._written[key]

    def _table(
        self,
        start: Callable[[Any], Any],
        end: Callable[[Any], int],
        *fields: tuple[Callable[[Any, Any], None], Any],
    ) -> int:
        """Write a table, or find the one with the same fields; those that are None are left out."""
        present = [(add, value) for add, value in fields if value is not None]

        def make() -> int:
            start(self._builder)
            for add, value in present:
                add(self._builder, value)
            return end(self._builder)

        return self._once((start, *present), make)

    def _vector(self, values: Sequence[Any] | np.ndarray | None, dtype: type) -> int | None:
        if values is None:
            return None
        array = np.asarray(values, dtype)
        key = (np.dtype(dtype).str, array.tobytes())
        return self._once(key, lambda: self._builder.CreateNumpyVector(array))

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()

    def _string(self, text: bytes | None) -> int | None:
        return self._builder.CreateSharedString(text) if text else None

    def _subgraph(self) -> int:
        graph = self._graph
        used = [int(i) for i in [*graph.inputs, *graph.outputs]]
        for operator in graph.operators:
            for indices in (operator.inputs, operator.outputs, operator.intermediates):
                used += [int(i) for i in (() if indices is None else indices) if i >= 0]
        order = {old: new for new, old in enumerate(dict.fromkeys(used))}
        self._order = {-1: -1, **order}
        tensors = self._offsets([self._tensor(old) for old in order])
        operators = self._offsets([self._operator(each) for each in graph.operators])
        return self._table(
            schema.SubGraphStart,
            schema.SubGraphEnd,
            (schema.SubGraphAddTensors, tensors),
            (schema.SubGraphAddInputs, self._indices(graph.inputs)),
            (schema.SubGraphAddOutputs, self._indices(graph.outputs)),
            (schema.SubGraphAddOperators, operators),
        )

    def _indices(self, indices: Sequence[int] | np.ndarray | None) -> int | None:
        if indices is None:
            return None
        return self._vector([self._order[int(i)] for i in indices], np.int32)

    def _tensor(self, index: int) -> int:
        tensor = self._graph.tensors[index]
        data = self._model.buffers[tensor.buffer].data
        content = b"" if data is None else bytes(data)
        if content not in self._buffers:
            self._buffers.append(content)
        sparsity = None if tensor.sparsity is None else tensor.sparsity.Pack(self._builder)
        outer = index in self._names
        return self._table(
            schema.TensorStart,
            schema.TensorEnd,
            (schema.TensorAddShape, self._vector(tensor.shape, np.int32)),
            (schema.TensorAddType, tensor.type),
            (schema.TensorAddBuffer, self._buffers.index(content)),
            (schema.TensorAddName, self._string(self._names.get(index))),
            (schema.TensorAddQuantization, self._quantization(tensor.quantization)),
            (schema.TensorAddIsVariable, tensor.isVariable),
            (schema.TensorAddSparsity, sparsity),
            # What says that the number of rows is free; runtimes work the others' out.
            (
                schema.TensorAddShapeSignature,
                self._vector(tensor.shapeSignature, np.int32) if outer else None,
            ),
            (schema.TensorAddHasRank, tensor.hasRank),
        )

    def _quantization(self, values: schema.QuantizationParametersT | None) -> int | None:
        if values is None or values.scale is None or not len(values.scale):
            return None
        if values.details is not None:
            return int(values.Pack(self._builder))
        return self._table(
            schema.QuantizationParametersStart,
            schema.QuantizationParametersEnd,
            (schema.QuantizationParametersAddScale, self._vector(values.scale, np.float32)),
            (schema.QuantizationParametersAddZeroPoint, self._vector(values.zeroPoint, np.int64)),
            (schema.QuantizationParametersAddQuantizedDimension, values.quantizedDimension),
        )

    def _operator(self, operator: schema.OperatorT) -> int:
        entry = self._model.operatorCodes[operator.opcodeIndex]
        wanted = (code(entry), int(entry.version), entry.customCode)
        if wanted not in self._codes:
            self._codes.append(wanted)
        return self._table(
            schema.OperatorStart,
            schema.OperatorEnd,
            (schema.OperatorAddOpcodeIndex, self._codes.index(wanted)),
            (schema.OperatorAddInputs, self._indices(operator.inputs)),
            (schema.OperatorAddOutputs, self._indices(operator.outputs)),
            (schema.OperatorAddBuiltinOptionsType, operator.builtinOptionsType),
            (schema.OperatorAddBuiltinOptions, self._options(operator.builtinOptions)),
            (schema.OperatorAddCustomOptions, self._vector(operator.customOptions, np.uint8)),
            (
                schema.OperatorAddMutatingVariableInputs,
                self._vector(operator.mutatingVariableInputs, np.bool_),
            ),
            (schema.OperatorAddIntermediates, self._indices(operator.intermediates)),
            (schema.OperatorAddBuiltinOptions2Type, operator.builtinOptions2Type),
            (schema.OperatorAddBuiltinOptions2, self._options(operator.builtinOptions2)),
        )

    def _options(self, options: Any) -> int | None:
        if options is None:
            return None
        plain = {
            name: value.tobytes() if isinstance(value, np.ndarray) else value
            for name, value in vars(options).items()
        }
        key = (type(options), repr(sorted(plain.items())))
        return self._once(key, lambda: options.Pack(self._builder))

    def _buffer(self, content: bytes) -> int:
        if not content:
            return self._table(schema.BufferStart, schema.BufferEnd)
        builder = self._builder
        builder.StartVector(1, len(content), _ALIGNMENT)
        builder.head = builder.Head() - len(content)
        builder.Bytes[builder.Head() : builder.Head() + len(content)] = content
        return self._table(
            schema.BufferStart, schema.BufferEnd, (schema.BufferAddData, builder.EndVector())
        )

    def _code(self, number: int, version: int, custom: bytes | None) -> int:
        # Readers take the larger one of the two fields; one of them suffices.
        old = number <= _LARGEST_OLD_CODE
        return self._table(
            schema.OperatorCodeStart,
            schema.OperatorCodeEnd,
            (
                schema.OperatorCodeAddDeprecatedBuiltinCode
                if old
                else schema.OperatorCodeAddBuiltinCode,
                number,
            ),
            (schema.OperatorCodeAddCustomCode, self._string(custom)),
            (schema.OperatorCodeAddVersion, version),
        )

    def _signature(self, definition: schema.SignatureDefT, key: bytes) -> int:
        sides = [
            self._offsets(
                [
                    self._table(
                        schema.TensorMapStart,
                        schema.TensorMapEnd,
                        (schema.TensorMapAddName, self._string(entry.name)),
                        (schema.TensorMapAddTensorIndex, self._order[int(entry.tensorIndex)]),
                    )
                    for entry in entries
                ]
            )
            for entries in (definition.inputs, definition.outputs)
        ]
        return self._table(
            schema.SignatureDefStart,
            schema.SignatureDefEnd,
            (schema.SignatureDefAddInputs, sides[0]),
            (schema.SignatureDefAddOutputs, sides[1]),
            (schema.SignatureDefAddSignatureKey, self._string(key)),
        )
