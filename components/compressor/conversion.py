"""From a draft to its TF Lite file."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor import (
    fake_quantization,
    flatbuffer,
    folding,
    ordering,
    rewriting,
    score_tail,
)
from components.compressor.recipes.base import Arrays, Conversion, Draft, Work, unsupported
from components.errors import InputError
from components.models.lite_model import LiteModel
from components.models.transformed import LABEL

#: The one signature of a file, as in a SavedModel; see `components.models.export`.
SIGNATURE = "transformed_features"
#: Training rows on which the ranges of activations are measured.
REPRESENTATIVE_ROWS = 500
_ROWS_AT_ONCE = 50
#: Rows on which a rewritten file has to answer the same as the converter's.
_CHECKED_ROWS = 16


def convert(draft: Draft, work: Work) -> bytes:
    """Return the TF Lite file of a draft.

    Its signature ``transformed_features`` takes the model's features by their names, as that of
    the SavedModel does (``numeric`` float32 and ``categorical`` int64, or ``image`` float32 from
    0 to 255; any number of rows), and returns ``scores`` float32. Whatever numbers are inside,
    the last step to probabilities is taken in float.

    Parameters
    ----------
    draft : Draft
    work : Work

    Raises
    ------
    InputError
        If ``int8`` or ``int16x8`` has no rows to measure activations on, or TF Lite lacks what
        a layer computes.
    """
    aware = trained_for_int8(draft.model)
    if aware and draft.conversion != "int8":
        raise ValueError("a model that is trained for int8 is converted to nothing else")
    measured = draft.conversion in ("int8", "int16x8") and not aware
    if measured:
        sample = representative(draft.model, work, draft.conversion)
    else:
        sample = _sample(draft.model, work)
    model = draft.model
    normalizations = _layer_normalizations(model)
    if normalizations:
        if draft.conversion == "int16x8":  # LiteRT has no variance of 16-bit integers
            raise unsupported(normalizations[0], draft.conversion)
        model = folding.fold(model)
        if measured:
            # A variance has no 8 bits that would do: the arithmetic between nodes stays float.
            model, measured = fake_quantization.add(model, {}, sample), False
    content = _converted(model, draft.conversion, sample, measured)
    objects = flatbuffer.read(content)
    score_tail.add(objects, work.features.task)
    ordering.quantize_late(objects)
    whole = _named(objects, [tensor.name for tensor in draft.model.inputs])
    slim = flatbuffer.slim(whole)
    _check(whole, slim, {name: values[:_CHECKED_ROWS] for name, values in sample.items()})
    return slim


def representative(model: tf_keras.Model, work: Work, conversion: str) -> Arrays:
    """Return the features of training rows on which the ranges of activations are measured.

    Parameters
    ----------
    model : tf_keras.Model
    work : Work
    conversion : str
        What they are measured for.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not len(work.train[LABEL]):
        raise InputError(
            f"There are no rows on which to measure activations for {conversion}.",
            setting="compressor.recipes",
            expected="a train split with rows",
            got="an empty one",
            remedy="Quantize weights alone (dynamic_range, float16), which needs no rows.",
        )
    return _sample(model, work)


def _sample(model: tf_keras.Model, work: Work) -> Arrays:
    random = np.random.default_rng(work.training.seed)
    chosen = np.sort(random.permutation(len(work.train[LABEL]))[:REPRESENTATIVE_ROWS])
    return {
        tensor.name: work.train[tensor.name][chosen].astype(tensor.dtype.as_numpy_dtype)
        for tensor in model.inputs
    }


def trained_for_int8(model: tf_keras.Model) -> bool:
    """Tell whether quantization-aware training has put its nodes into a model."""
    return any(hasattr(part, "quantize_config") for part in model.submodules)


def _layer_normalizations(model: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    return [each for each in model.layers if type(each) is tf_keras.layers.LayerNormalization]


def _converted(
    model: tf_keras.Model, conversion: Conversion, sample: Arrays, measured: bool
) -> bytes:
    try:
        return _convert(model, conversion, sample if measured else None)
    except Exception as error:
        for layer in model.layers:
            if not isinstance(layer, tf_keras.layers.InputLayer) and not _convertible(
                model, layer, conversion, sample if measured else None
            ):
                raise unsupported(layer, conversion) from error
        raise InputError(
            "TF Lite cannot represent the model.",
            setting="compressor.recipes",
            expected="operations that TF Lite has",
            got=next(iter(str(error).strip().splitlines()), type(error).__name__),
            remedy="Switch on the Distiller, whose student is a network that TF Lite has.",
        ) from error


def _convertible(
    model: tf_keras.Model,
    layer: tf_keras.layers.Layer,
    conversion: Conversion,
    sample: Arrays | None,
) -> bool:
    """Tell whether a layer of a model can be converted by itself."""
    taken = tf.nest.flatten(layer.get_input_at(0))
    inputs = [
        tf_keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=f"input_{number}")
        for number, tensor in enumerate(taken)
    ]
    copy = rewriting.copy_layer(layer)
    alone = tf_keras.Model(
        {each.name: each for each in inputs},
        copy(tf.nest.pack_sequence_as(layer.get_input_at(0), inputs)),
    )
    if sample is not None:
        found = tf_keras.Model(model.inputs, list(taken)).predict(sample, verbose=0)
        parts = found if len(taken) > 1 else [found]
        sample = {each.name: part for each, part in zip(inputs, parts, strict=True)}
    try:
        _convert(alone, conversion, sample)
    except Exception:
        return False
    return True


def _convert(model: tf_keras.Model, conversion: Conversion, sample: Arrays | None) -> bytes:
    """Return the converter's file, whose output are the model's outputs."""
    names = [tensor.name for tensor in model.inputs]

    def outputs(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": model({name: features[name] for name in names}, training=False)}

    specifications = {
        tensor.name: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    }
    function = tf.function(outputs, autograph=False).get_concrete_function(**specifications)
    # The converter saves what holds the variables. The model itself would be traced once more
    # for it, layer by layer, which takes most of the time of a conversion.
    holder = tf.Module()
    holder.kept = model.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    if conversion != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if conversion == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if conversion == "int16x8":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,
        ]
    if sample is not None:
        rows = len(next(iter(sample.values())))
        converter.representative_dataset = lambda: (
            {name: values[i : i + _ROWS_AT_ONCE] for name, values in sample.items()}
            for i in range(0, rows, _ROWS_AT_ONCE)
        )
    # One scale for a matrix of a dense layer: a scale for each of its columns takes more
    # bytes than a narrow column itself, and clusters are to be the same numbers in all columns.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    with _quiet():
        return bytes(converter.convert())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the converter prints from the log of a node: it raises what went wrong."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as told, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(told.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def _named(model: flatbuffer.schema.ModelT, names: list[str]) -> bytes:
    """Return the file of a converter's model with the signature that is promised."""
    [definition] = model.signatureDefs
    if {entry.name.decode() for entry in definition.inputs} != set(names):
        raise RuntimeError(f"the converter has lost an input: {definition.inputs} of {names}")
    definition.signatureKey = SIGNATURE.encode()
    return flatbuffer.whole(model)


def _check(whole: bytes, slim: bytes, rows: Arrays) -> None:
    if len(next(iter(rows.values()))) and not np.array_equal(
        LiteModel(whole).scores(rows), LiteModel(slim).scores(rows), equal_nan=True
    ):
        raise RuntimeError("the smaller TF Lite file does not answer as the converter's does")
