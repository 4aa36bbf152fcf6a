"""ONNX: a copy of the model that runs wherever onnxruntime does, and a check of the graph.

It takes the model's features by their names, any number of rows, and returns ``scores``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from components import files
from components.compressor.exports.base import (
    SCORES,
    Arrays,
    CannotExportError,
    Comparison,
    Exported,
    Subject,
)

FILE = "model.onnx"
#: Version of the operators: that of ONNX 1.13, which runtimes of 2023 and later have.
OPSET = 18


def export(subject: Subject, directory: str | os.PathLike[str]) -> list[Exported]:
    """Write `FILE` below `directory`, once onnxruntime has computed the model's scores from it.

    Raises
    ------
    CannotExportError
        If ONNX lacks an operation of the model.
    """
    import onnxruntime

    content = convert(subject)
    path = Path(directory) / FILE
    rows = subject.rows()
    comparison = Comparison.of(subject.scores(rows), run(content, rows))
    comparison.check(subject.tolerance, "The ONNX copy")
    files.write_bytes(path, content)
    verified = f"onnxruntime {onnxruntime.__version__}: {comparison}."
    return [Exported(path, "ONNX", len(content), comparison, verified)]


def convert(subject: Subject) -> bytes:
    """Return the ONNX copy of a model; see `export`."""
    import tensorflow as tf
    import tf2onnx

    function = subject.function(rows=None)
    signature = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)
        for tensor in subject.model.inputs
    ]

    def score(*features: tf.Tensor) -> dict[str, tf.Tensor]:
        result: dict[str, tf.Tensor] = function(
            **{spec.name: values for spec, values in zip(signature, features, strict=True)}
        )
        return result

    copy, _ = tf2onnx.convert.from_function(
        tf.function(score, autograph=False, input_signature=signature),
        input_signature=signature,
        opset=OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
    )
    _check_operators(copy)
    content: bytes = copy.SerializeToString()
    return content


def run(content: bytes, rows: Arrays) -> np.ndarray:
    """Return the scores [n, k] that onnxruntime computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # What the file says, and not what the runtime makes of it: it computes simulated quantization
    # in integers.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    [result] = session.run([SCORES], {each.name: rows[each.name] for each in session.get_inputs()})
    scores: np.ndarray = result
    return scores


def _erfc(context: Any, node: Any, name: str, arguments: list[Any]) -> None:
    """Write ``erfc(x)``, which the GELU contains and tf2onnx 1.17 lacks, as ``1 - erf(x)``."""
    del arguments
    node.type = "Erf"
    [output] = node.output
    one = context.make_const(f"{name}_one", np.float32(1.0))
    difference = context.insert_new_node_on_output("Sub", output, name=f"{name}_complement")
    context.replace_input(difference, output, one.output[0], 0)
    difference.input.append(output)


def _check_operators(copy: Any) -> None:
    import onnx

    lacking = sorted(
        {node.op_type for node in copy.graph.node if not onnx.defs.has(node.op_type, node.domain)}
    )
    if lacking:
        raise CannotExportError(f"ONNX has no counterpart of the operation {', '.join(lacking)}.")
