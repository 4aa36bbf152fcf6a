"""Trained models that are exported, and the way in which their TF Lite files are made."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor.exports import Subject
from components.models import scores
from tests.components.compressor import models

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "sept", "huit, 8", "nëun")


@functools.cache
def table(architecture: str = "wide_and_deep", task: str = "binary", **hp: Any) -> Subject:
    """Return a model of numbers and categories."""
    model, work = models.tabular(architecture, task, **hp)
    return _subject(model, work.features, work.validation)


@functools.cache
def images(architecture: str = "cnn", side: int = 8, **hp: Any) -> Subject:
    """Return a model of grey digits."""
    model, work = models.images(architecture, side=side, **hp)
    features = work.features.model_copy(update={"classes": NAMES})
    return _subject(model, features, work.validation)


def _subject(model, features, examples) -> Subject:
    return Subject(
        model=model,
        features=features,
        examples={name: values[:100] for name, values in examples.items()},
        convert=functools.partial(convert, features.task),
        name="A test",
        description="Tells one thing from another.",
    )


def convert(
    task: str, model: tf_keras.Model, rows: dict[str, np.ndarray], kind: str = "float32"
) -> bytes:
    """Return a TF Lite file with whole, 8-bit, or 8-bit weights and ends."""
    inputs = {
        tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    }

    def score(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": scores.from_outputs(model(features, training=False), task)}

    function = tf.function(score, autograph=False).get_concrete_function(**inputs)
    # Not the model, which would be traced once more, layer by layer.
    holder = tf.Module()
    holder.kept = model.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            {name: values[i : i + 1].astype(np.float32) for name, values in rows.items()}
            for i in range(50)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if kind == "int8_ends":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()
