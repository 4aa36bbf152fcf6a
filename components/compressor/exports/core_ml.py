"""Core ML: packages for Apple's systems, with whole, 8-bit and palettized weights.

A package is an ML program for one row. Images are images: an app hands over a picture of the
right size, whose pixels go in from 0 to 255, grey or red, green and blue, as the model itself
takes them. Other features are arrays ``numeric`` and ``categorical``, whose columns the
metadata name in order. A classifier gives ``classLabel``, the most probable class, and ``scores``,
a probability for each class by its name; a regression gives ``scores``, an array.

All of them compute in single precision, so that they can be held against the model. Core ML's
own default is half precision, which its neural engine needs.

Core ML runs on Apple's systems only. Elsewhere a package is read back from the disk and its
operations are computed by `components.compressor.exports.ml_program`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.compressor.exports import ml_program
from components.compressor.exports.base import (
    SCORES,
    Arrays,
    CannotExportError,
    Comparison,
    Exported,
    Subject,
    atomic_directory,
    size_of,
)
from components.models.transformed import CATEGORICAL, IMAGE, NUMERIC

#: Output of a classifier that is its most probable class: Core ML's own name for it.
CLASS = "classLabel"
#: Weights that are compressed have more numbers than this; a scale or a palette of smaller ones
#: would take what is saved.
WEIGHT_THRESHOLD = 128
#: Values in a palette of weights that are not clustered: 4 bits for each weight.
PALETTE = 16
#: Bits of an index into a palette that iOS 16 knows.
PALETTE_BITS = (1, 2, 4, 6, 8)
#: Starts of k-means, of which the best is taken.
KMEANS_STARTS = 3
#: Examples that each package is computed on, row by row.
EXAMPLES = 64
#: Prefix of metadata of ours.
KEY = "modelworks."

_NOT_RUN = "Core ML itself runs on Apple's systems only, and has not run this package."


def export(subject: Subject, directory: str | os.PathLike[str]) -> list[Exported]:
    """Write the packages of `VARIANTS` below `directory`.

    Raises
    ------
    CannotExportError
        If Core ML lacks an operation of the model, or the whole package, read back, does not
        compute the model's scores.
    """
    rows = subject.rows(EXAMPLES)
    wanted = subject.scores(rows)
    with ml_program.quiet():
        converted = convert(subject)
        exported = []
        for file, title, compress in VARIANTS:
            path, model = Path(directory) / file, compress(converted)
            with atomic_directory(path) as temporary:
                model.save(str(temporary))
                comparison, verified = _compare(temporary, rows, wanted, subject.features.classes)
                if comparison is not None and compress is whole:
                    comparison.check(subject.tolerance, "The Core ML package")
                size = size_of(temporary)
            exported.append(Exported(path, title, size, comparison, verified))
    return exported


def convert(subject: Subject) -> Any:
    """Return the model as coremltools' MLModel, with whole weights."""
    import coremltools as ct

    _register_erfc()
    features = subject.features
    classifier = None
    if features.classes:
        classifier = ct.ClassifierConfig(list(features.classes), predicted_feature_name=CLASS)
    try:
        model = ct.convert(
            [subject.function(rows=1)],
            source="tensorflow",
            convert_to="mlprogram",
            inputs=[_input(tensor.name, tensor.shape[1:]) for tensor in subject.model.inputs],
            classifier_config=classifier,
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        )
    except NotImplementedError as problem:
        cause = str(problem).strip().splitlines()[0]
        raise CannotExportError(f"Core ML has no counterpart of the model. {cause}") from problem
    specification = model.get_spec()
    [scores] = [each.name for each in specification.description.output if each.name != CLASS]
    ct.utils.rename_feature(specification, scores, SCORES)
    model = ct.models.MLModel(specification, weights_dir=model.weights_dir, skip_model_load=True)
    _describe(model, subject)
    return model


def _input(name: str, shape: tuple[int, ...]) -> Any:
    import coremltools as ct

    if name == IMAGE:
        grey = shape[-1] == 1
        layout = ct.colorlayout.GRAYSCALE if grey else ct.colorlayout.RGB
        return ct.ImageType(name=name, shape=(1, *shape), color_layout=layout)
    # Core ML has no 64-bit integers.
    dtype = np.int32 if name == CATEGORICAL else np.float32
    return ct.TensorType(name=name, shape=(1, *shape), dtype=dtype)


def _describe(model: Any, subject: Subject) -> None:
    features = subject.features
    model.short_description = f"{subject.name}. {subject.description}"
    model.version = subject.version
    if subject.author is not None:
        model.author = subject.author
    inputs = {
        IMAGE: "A picture; its pixels go in as they are, from 0 to 255.",
        NUMERIC: f"Transformed numeric columns, in the order of {KEY}{NUMERIC} in the metadata.",
        CATEGORICAL: f"Ids of categories, in the order of {KEY}{CATEGORICAL} in the metadata.",
    }
    for tensor in subject.model.inputs:
        model.input_description[tensor.name] = inputs[tensor.name]
    if features.classes:
        model.output_description[CLASS] = "The most probable class."
        model.output_description[SCORES] = "Probability of each class."
    else:
        model.output_description[SCORES] = f"The value of {features.label}."
    columns = {
        NUMERIC: list(features.numeric),
        CATEGORICAL: [column.model_dump() for column in features.categorical],
        "label": features.label,
        "task": features.task,
    }
    for name, value in columns.items():
        if value:
            text = value if isinstance(value, str) else json.dumps(value)
            model.user_defined_metadata[KEY + name] = text


def whole(model: Any) -> Any:
    """Return the model as it is."""
    return model


def quantized(model: Any) -> Any:
    """Return the model with weights as 8-bit integers and a scale for each output channel."""
    from coremltools.optimize import coreml

    config = coreml.OptimizationConfig(
        coreml.OpLinearQuantizerConfig(
            mode="linear_symmetric", dtype=np.int8, weight_threshold=WEIGHT_THRESHOLD
        )
    )
    # A channel without weights has the scale 0, by which it is divided; whatever integers come
    # of that, they stand for 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        return coreml.linear_quantize_weights(model, config)


def palettized(model: Any) -> Any:
    """Return the model with weights as indices into palettes; see `palette`."""
    from coremltools.optimize import coreml

    return coreml.palettize_weights(
        model,
        coreml.OptimizationConfig(
            coreml.OpPalettizerConfig(
                mode="custom", lut_function=palette, weight_threshold=WEIGHT_THRESHOLD
            )
        ),
    )


#: File, title and compression of each package.
VARIANTS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("model.mlpackage", "Core ML", whole),
    ("model_int8.mlpackage", "Core ML, 8-bit weights", quantized),
    ("model_palettized.mlpackage", "Core ML, palettized weights", palettized),
)


def palette(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return few values, and for each weight the index of the one that stands for it.

    Weights that share few values, as clustering leaves them, keep them exactly. Others get
    `PALETTE` values: zero, if pruning has left any, and the centres of k-means of the rest.

    Parameters
    ----------
    weights : array of any shape

    Returns
    -------
    values : array, shape (2**bits,)
        With zeros behind those that are used; bits is one of `PALETTE_BITS`.
    indices : array of uint8, shape (weights.size,)
    """
    values, indices = np.unique(weights, return_inverse=True)
    if len(values) > min(2 ** PALETTE_BITS[-1], max(PALETTE, weights.size // 8)):
        values, indices = _nearest_values(weights.reshape(-1))
    bits = next(bits for bits in PALETTE_BITS if 2**bits >= len(values))
    padded = np.zeros(2**bits, weights.dtype)
    padded[: len(values)] = values
    return padded, indices.reshape(-1).astype(np.uint8)


def _nearest_values(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans

    kept = weights != 0
    zeros = [0.0] if not kept.all() else []
    count = PALETTE - len(zeros)
    rest = weights[kept].reshape(-1, 1)
    means = KMeans(count, n_init=KMEANS_STARTS, random_state=0).fit(rest)
    indices = np.zeros(len(weights), np.int64)
    indices[kept] = means.labels_ + len(zeros)
    return np.concatenate([zeros, means.cluster_centers_[:, 0]]), indices


def _compare(
    path: Path, rows: Arrays, wanted: np.ndarray, classes: Sequence[str]
) -> tuple[Comparison | None, str]:
    """Compare a package's scores of `rows` with those that are wanted, and say how."""
    try:
        comparison = Comparison.of(wanted, ml_program.run(path, rows, classes))
    except ml_program.UnknownOperationError as problem:
        return (
            None,
            f"Read back from the disk; its numbers are not verified, for {problem} {_NOT_RUN}",
        )
    return comparison, (
        f"Read back from the disk, and its operations computed by their definitions: "
        f"{comparison}. {_NOT_RUN}"
    )


def _register_erfc() -> None:
    """Teach coremltools 9 ``erfc(x) = 1 - erf(x)``, which the GELU contains."""
    from coremltools.converters.mil import Builder, register_tf_op
    from coremltools.converters.mil.frontend.tensorflow.tf_op_registry import _TF_OPS_REGISTRY

    if "Erfc" in _TF_OPS_REGISTRY:
        return

    def erfc(context: Any, node: Any) -> None:
        error = Builder.erf(x=context[node.inputs[0]])
        context.add(node.name, Builder.sub(x=np.float32(1.0), y=error, name=node.name))

    register_tf_op(erfc, tf_alias=["Erfc"])
