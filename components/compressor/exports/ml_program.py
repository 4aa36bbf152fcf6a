"""Core ML packages on any system: what they say, and what their operations compute.

Packages are parsed by coremltools. Their operations are computed here, in NumPy, by the definitions
in Apple's reference of the Model Intermediate Language (MIL). That is not Core ML, but it
finds a weight, a layout, a column or a class that is not where it should be.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

from components.compressor.exports.base import SCORES, Arrays, size_of
from components.models.transformed import IMAGE


class UnknownOperationError(Exception):
    """A program has an operation that `run` cannot compute."""


@dataclass(frozen=True)
class Port:
    """An input or output of a package.

    Attributes
    ----------
    kind : {"image", "array", "dictionary", "string"}
    type : str
        ``GRAYSCALE`` or ``RGB`` of an image; ``FLOAT32`` or ``INT32`` of an array.
    shape : tuple of int
        ``(height, width)`` of an image; of an array with the one row.
    description : str
    """

    kind: str
    type: str = ""
    shape: tuple[int, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Package:
    """What a reader of a package sees.

    Attributes
    ----------
    version : int
        Of the specification; 7 is that of iOS 16.
    inputs, outputs : dict
    labels : tuple of str
        Classes in the order of the scores; empty for regressions.
    description, model_version, author, license : str
        Empty if not given.
    metadata : dict
        What else is said, by its keys.
    bytes : int
        Of all files.
    unique_weights : dict
        How many different values each weight of more than one dimension has, by its name.
    operations : tuple of str
        In the order in which they are computed.
    """

    version: int
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    labels: tuple[str, ...]
    description: str
    model_version: str
    author: str
    license: str
    metadata: dict[str, str]
    bytes: int
    unique_weights: dict[str, int]
    operations: tuple[str, ...]


def read(path: str | os.PathLike[str]) -> Package:
    """Return what the package at `path` says."""
    specification, program = _load(path)
    operations = list(program.operations)
    description = specification.description
    metadata = description.metadata
    labels: tuple[str, ...] = ()
    for operation in operations:
        if operation.op_type == "classify":
            labels = tuple(str(label) for label in np.ravel(operation.classes.val))
    return Package(
        version=specification.specificationVersion,
        inputs={each.name: _port(each) for each in description.input},
        outputs={each.name: _port(each) for each in description.output},
        labels=labels,
        description=metadata.shortDescription,
        model_version=metadata.versionString,
        author=metadata.author,
        license=metadata.license,
        metadata=dict(metadata.userDefined),
        bytes=size_of(path),
        unique_weights={
            name: len(np.unique(values)) for name, values in _weights(operations).items()
        },
        operations=tuple(each.op_type for each in operations if each.op_type != "const"),
    )


def weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the weights of more than one dimension in the package at `path`, by their names."""
    return _weights(list(_load(path)[1].operations))


def run(path: str | os.PathLike[str], rows: Arrays, classes: Sequence[str]) -> np.ndarray:
    """Return the scores [n, k] that the package at `path` computes.

    Parameters
    ----------
    path : path
    rows : mapping
        Features by name, [n, ...] each; pixels from 0 to 255, [n, height, width, channels].
    classes : sequence of str
        In the order in which their scores are returned; none for regressions.

    Raises
    ------
    UnknownOperationError
        Naming the operation.
    """
    program = _load(path)[1]
    operations = list(program.operations)
    unknown = sorted({each.op_type for each in operations} - {*_CONSTANTS, *OPERATIONS, "classify"})
    if unknown:
        raise UnknownOperationError(f"it has the operation {', '.join(unknown)}.")
    [output] = [each for each in program.outputs if each.name == SCORES]
    constants = _constants(operations)
    result = []
    for index in range(len(rows[next(iter(program.inputs))])):
        values = dict(constants)
        for name, variable in program.inputs.items():
            row = rows[name][index : index + 1]
            values[variable] = row.transpose(0, 3, 1, 2) if name == IMAGE else row
        scores = _run_row(operations, values)[output]
        result.append([scores[name] for name in classes] if classes else np.ravel(scores))
    return np.array(result, np.float32)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep coremltools' bars of progress and warnings off the log; errors still come.

    It warns at its import that no Core ML is there, and that TensorFlow is newer than it knows.
    """
    from tqdm.std import tqdm

    logger = logging.getLogger("coremltools")
    level, start = logger.level, tqdm.__init__
    logger.setLevel(logging.ERROR)
    tqdm.__init__ = functools.partialmethod(start, disable=True)
    try:
        yield
    finally:
        tqdm.__init__ = start
        logger.setLevel(level)


def _load(path: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Return the specification of a package, and the function that is its program."""
    with quiet():
        import coremltools as ct
        from coremltools.converters.mil.frontend.milproto.load import load

        model = ct.models.MLModel(str(path), skip_model_load=True)
        specification = model.get_spec()
        program = load(specification, specification.specificationVersion, model.weights_dir)
    return specification, program.functions["main"]


def _port(feature: Any) -> Port:
    kind = feature.type.WhichOneof("Type")
    text = feature.shortDescription
    if kind == "imageType":
        image = feature.type.imageType
        colour = image.ColorSpace.Name(image.colorSpace)
        return Port("image", colour, (image.height, image.width), text)
    if kind == "multiArrayType":
        array = feature.type.multiArrayType
        return Port("array", array.ArrayDataType.Name(array.dataType), tuple(array.shape), text)
    return Port(kind.removesuffix("Type"), description=text)


_CONSTANTS = ("const", "constexpr_affine_dequantize", "constexpr_lut_to_dense")


def _constants(operations: list[Any]) -> dict[Any, np.ndarray]:
    """Return what the constants of a program stand for, by its variables.

    Names would not do: coremltools gives the same to several constants that have none.
    """
    return {
        each.outputs[0]: np.asarray(
            each.outputs[0].val if each.op_type == "const" else each.materialized_val_inference()
        )
        for each in operations
        if each.op_type in _CONSTANTS
    }


def _weights(operations: list[Any]) -> dict[str, np.ndarray]:
    packed = {
        variable
        for each in operations
        if each.op_type in _CONSTANTS
        for variable in each.inputs.values()
    }
    return {
        variable.name: values
        for variable, values in _constants(operations).items()
        if values.ndim > 1 and values.size > 1 and values.dtype.kind == "f"
        if variable not in packed
    }


def _run_row(operations: list[Any], values: dict[Any, Any]) -> dict[Any, Any]:
    """Compute all operations, and return `values` with their outputs."""

    def value(argument: Any) -> Any:
        if isinstance(argument, tuple | list):
            return [value(each) for each in argument]
        return values.get(argument, argument.val)

    for operation in operations:
        if operation.op_type in _CONSTANTS:
            continue
        arguments = {name: value(each) for name, each in operation.inputs.items()}
        if operation.op_type == "classify":
            probabilities = np.ravel(arguments["probabilities"])
            labels = [str(label) for label in np.ravel(arguments["classes"])]
            result = [
                labels[int(np.argmax(probabilities))],
                dict(zip(labels, probabilities, strict=True)),
            ]
        else:
            result = OPERATIONS[operation.op_type](**arguments)
            result = result if isinstance(result, list) else [result]
        values.update(zip(operation.outputs, result, strict=True))
    return values


def _places(
    x: np.ndarray,
    size: Sequence[int],
    strides: Sequence[int],
    pad_type: str,
    pad: Sequence[int],
    dilations: Sequence[int],
    fill: float,
) -> np.ndarray:
    """Return what a window sees at each place: [n, channels, rows, columns, height, width].

    ``same`` pads so that there are ``ceil(size / stride)`` places, the odd pixel at the end.
    """
    reach = [dilation * (k - 1) + 1 for k, dilation in zip(size, dilations, strict=True)]
    if pad_type == "same":
        missing = [
            max((-(-length // stride) - 1) * stride + r - length, 0)
            for length, stride, r in zip(x.shape[2:], strides, reach, strict=True)
        ]
        edges = [(each // 2, each - each // 2) for each in missing]
    elif pad_type == "custom":
        edges = [(int(pad[0]), int(pad[1])), (int(pad[2]), int(pad[3]))]
    elif pad_type == "valid":
        edges = [(0, 0), (0, 0)]
    else:
        raise UnknownOperationError(f"it pads in the way {pad_type}.")
    padded = np.pad(x, [(0, 0), (0, 0), *edges], constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    return seen[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]


def _conv(
    x: np.ndarray,
    weight: np.ndarray,
    strides: Sequence[int],
    pad_type: str,
    pad: Sequence[int],
    dilations: Sequence[int],
    groups: int,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    seen = _places(x, weight.shape[2:], strides, pad_type, pad, dilations, 0.0)
    groups = int(groups)
    n, channels, rows, columns = seen.shape[:4]
    seen = seen.reshape(n, groups, channels // groups, rows, columns, *seen.shape[4:])
    kernels = weight.reshape(groups, -1, *weight.shape[1:])
    result = np.einsum("ngcijhw,gochw->ngoij", seen, kernels, optimize=True)
    result = result.reshape(n, -1, rows, columns)
    return result if bias is None else result + bias.reshape(1, -1, 1, 1)


def _max_pool(
    x: np.ndarray,
    kernel_sizes: Sequence[int],
    strides: Sequence[int],
    pad_type: str,
    pad: Sequence[int],
    ceil_mode: bool,
) -> np.ndarray:
    if ceil_mode:
        raise UnknownOperationError("it pools with a last window that is not full.")
    seen = _places(x, kernel_sizes, strides, pad_type, pad, (1, 1), -np.inf)
    result: np.ndarray = seen.max(axis=(-2, -1))
    return result


def _batch_norm(
    x: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float,
    gamma: np.ndarray | None = None,
    beta: np.ndarray | None = None,
) -> np.ndarray:
    factor = (1.0 if gamma is None else gamma) / np.sqrt(variance + epsilon)
    shift = (0.0 if beta is None else beta) - mean * factor
    shape = (1, -1, *[1] * (x.ndim - 2))
    return x * factor.reshape(shape) + shift.reshape(shape)


def _gather(
    x: np.ndarray,
    indices: np.ndarray,
    axis: int,
    batch_dims: int,
    validate_indices: bool = False,
) -> np.ndarray:
    del validate_indices  # whether Core ML looks for indices that are out of range; NumPy does
    if batch_dims:
        raise UnknownOperationError("it gathers from each row by itself.")
    return np.take(x, indices, axis=int(axis))


def _slice(
    x: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    stride: np.ndarray,
    begin_mask: np.ndarray,
    end_mask: np.ndarray,
    squeeze_mask: np.ndarray,
) -> np.ndarray:
    steps = np.ones(x.ndim, int) if stride is None else stride
    masks = [
        np.zeros(x.ndim, bool) if mask is None else mask
        for mask in (begin_mask, end_mask, squeeze_mask)
    ]
    parts = tuple(
        int(begin[i])
        if masks[2][i]
        else slice(
            None if masks[0][i] else int(begin[i]),
            None if masks[1][i] else int(end[i]),
            int(steps[i]),
        )
        for i in range(x.ndim)
    )
    return x[parts]


def _split(
    x: np.ndarray, axis: int, num_splits: int | None = None, split_sizes: np.ndarray | None = None
) -> list[np.ndarray]:
    parts = int(num_splits or 0) if split_sizes is None else np.cumsum(split_sizes)[:-1]
    return list(np.split(x, parts, axis=int(axis)))


def _reshape(x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    kept = [x.shape[i] if size == 0 else int(size) for i, size in enumerate(shape)]
    return x.reshape(kept)


def _cast(x: np.ndarray, dtype: str) -> np.ndarray:
    types = {"fp16": "float16", "fp32": "float32"}
    name = str(dtype)
    return np.asarray(x).astype(types.get(name, name))


def _log(x: np.ndarray, epsilon: float) -> np.ndarray:
    return np.log(x + epsilon)


def _sum(x: np.ndarray, keep_dims: bool, axes: np.ndarray | None = None) -> np.ndarray:
    result: np.ndarray = x.sum(axis=_axes(axes), keepdims=bool(keep_dims))
    return result


def _mean(x: np.ndarray, keep_dims: bool, axes: np.ndarray | None = None) -> np.ndarray:
    result: np.ndarray = x.mean(axis=_axes(axes), keepdims=bool(keep_dims))
    return result


def _axes(axes: np.ndarray | None) -> tuple[int, ...] | None:
    return None if axes is None else tuple(int(axis) for axis in axes)


#: What each operation of MIL computes; the arguments have MIL's names.
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "batch_norm": _batch_norm,
    "cast": _cast,
    "clip": lambda x, alpha, beta: np.clip(x, alpha, beta),
    "concat": lambda values, axis, interleave: np.concatenate(values, axis=int(axis)),
    "conv": _conv,
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "equal": lambda x, y: x == y,
    "erf": lambda x: scipy.special.erf(x),
    "exp": lambda x: np.exp(x),
    "expand_dims": lambda x, axes: np.expand_dims(x, _axes(axes)),
    "floor": lambda x: np.floor(x),
    "gather": _gather,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "identity": lambda x: x,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "linear": lambda x, weight, bias=0.0: x @ weight.T + bias,
    "log": _log,
    "matmul": lambda x, y, transpose_x, transpose_y: (
        (np.swapaxes(x, -1, -2) if transpose_x else x)
        @ (np.swapaxes(y, -1, -2) if transpose_y else y)
    ),
    "max_pool": _max_pool,
    "maximum": lambda x, y: np.maximum(x, y),
    "minimum": lambda x, y: np.minimum(x, y),
    "mul": lambda x, y: x * y,
    "real_div": lambda x, y: x / y,
    "reduce_mean": _mean,
    "reduce_sum": _sum,
    "relu": lambda x: np.maximum(x, 0),
    "reshape": _reshape,
    "round": lambda x: np.round(x),
    "rsqrt": lambda x, epsilon: 1.0 / np.sqrt(x + epsilon),
    "select": lambda cond, a, b: np.where(cond, a, b),
    "sigmoid": lambda x: scipy.special.expit(x),
    "silu": lambda x: x * scipy.special.expit(x),
    "slice_by_index": _slice,
    "softmax": lambda x, axis: scipy.special.softmax(x, axis=int(axis)),
    "split": _split,
    "sqrt": lambda x: np.sqrt(x),
    "squeeze": lambda x, axes=None: np.squeeze(x, _axes(axes)),
    "sub": lambda x, y: x - y,
    "tanh": lambda x: np.tanh(x),
    "transpose": lambda x, perm: np.transpose(x, _axes(perm)),
}
