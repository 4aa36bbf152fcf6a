from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.compressor import conversion
from components.compressor.recipes.base import Draft
from components.compressor.tflite_reading import read
from components.errors import InputError
from components.models import scores
from components.models.lite_model import LiteModel
from components.models.transformed import LABEL
from tests.components.compressor import models

CONVERSIONS = ("float32", "dynamic_range", "float16", "int8", "int16x8")
#: Largest difference of a probability that a conversion may make on the tests' networks.
TOLERANCE = {
    "float32": 1e-5,
    "dynamic_range": 0.05,
    "float16": 0.005,
    "int8": 0.15,
    "int16x8": 0.1,
}


def expected(model, work):
    return scores.from_outputs(
        tf.constant(models.outputs(model, work.validation)), work.features.task
    ).numpy()


@pytest.mark.parametrize("name", CONVERSIONS)
@pytest.mark.parametrize(
    ("architecture", "task"), [("wide_and_deep", "binary"), ("mlp", "multiclass")]
)
def test_a_file_gives_the_scores_of_the_model(name, architecture, task):
    model, work = models.tabular(architecture, task)
    content = conversion.convert(Draft(model, (), name), work)
    got = LiteModel(content).scores(work.validation)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected(model, work), atol=TOLERANCE[name])
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", CONVERSIONS)
def test_an_image_file_gives_the_classes_of_the_model(name):
    model, work = models.images("cnn")
    got = LiteModel(conversion.convert(Draft(model, (), name), work)).scores(work.validation)
    same = got.argmax(axis=1) == expected(model, work).argmax(axis=1)
    assert same.mean() > 0.97


@pytest.mark.parametrize("architecture", ["residual", "cross", "linear"])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_every_architecture_is_converted(architecture, normalization):
    model, work = models.tabular(architecture, normalization=normalization, epochs=0)
    got = LiteModel(conversion.convert(Draft(model), work)).scores(work.validation)
    np.testing.assert_allclose(got, expected(model, work), atol=1e-5)


def test_values_of_a_regression_are_scores():
    model, work = models.tabular("mlp", "regression")
    got = LiteModel(conversion.convert(Draft(model), work)).scores(work.validation)
    np.testing.assert_allclose(got, expected(model, work), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_inputs_and_output_are_those_of_the_signature_of_dense_features(name):
    model, work = models.tabular()
    content = conversion.convert(Draft(model, (), name), work)
    interpreter = tf.lite.Interpreter(model_content=content)
    assert interpreter.get_signature_list() == {
        "transformed_features": {"inputs": ["categorical", "numeric"], "outputs": ["scores"]}
    }
    inputs = {each["name"]: each for each in interpreter.get_input_details()}
    assert inputs["numeric"]["dtype"] is np.float32
    assert inputs["categorical"]["dtype"] is np.int64
    assert inputs["numeric"]["shape_signature"].tolist() == [-1, 4]
    [output] = interpreter.get_output_details()
    assert (output["name"], output["dtype"]) == ("scores", np.float32)


def test_any_number_of_rows_gives_the_same_scores():
    model, work = models.tabular()
    runner = LiteModel(conversion.convert(Draft(model, (), "int8"), work))
    together = runner.scores(work.validation)
    alone = [
        runner.scores({name: values[i : i + 1] for name, values in work.validation.items()})
        for i in range(5)
    ]
    np.testing.assert_array_equal(np.concatenate(alone), together[:5])


def test_int8_holds_no_float_weights():
    model, work = models.tabular()
    assert {
        each.dtype for each in read(conversion.convert(Draft(model, (), "int8"), work)).weights
    } == {"int8"}


def test_equal_drafts_give_equal_files():
    model, work = models.tabular()
    draft = Draft(model, (), "int8")
    assert conversion.convert(draft, work) == conversion.convert(draft, work)


def test_the_model_is_left_as_it_was():
    model, work = models.tabular(normalization="layer")
    before, layers = model.get_weights(), model.get_config()
    conversion.convert(Draft(model, (), "int8"), work)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_config() == layers


@pytest.mark.parametrize("name", ["int8", "int16x8"])
def test_integers_need_rows_to_measure(name):
    model, work = models.tabular(epochs=0)
    empty = replace(work, train={key: values[:0] for key, values in work.train.items()})
    with pytest.raises(InputError, match="no rows") as caught:
        conversion.convert(Draft(model, (), name), empty)
    assert "dynamic_range" in caught.value.details["to do"]
    conversion.convert(Draft(model, (), "dynamic_range"), empty)


class Determinant(tf_keras.layers.Layer):
    """What TF Lite has no operation for."""

    def call(self, values):
        return tf.linalg.det(values[:, :, tf.newaxis] * values[:, tf.newaxis, :])[:, tf.newaxis]


def test_a_layer_that_tf_lite_lacks_is_named():
    _, work = models.tabular(epochs=0)
    inputs = {name: tf_keras.Input((4,), name=name) for name in ("numeric",)}
    hidden = tf_keras.layers.Dense(3, name="hidden")(inputs["numeric"])
    model = tf_keras.Model(inputs, Determinant(name="odd")(hidden))
    with pytest.raises(InputError, match="'odd'") as caught:
        conversion.convert(Draft(model), work)
    assert caught.value.details["got"] == "Determinant"
    assert "Distiller" in caught.value.details["to do"]


def test_a_layer_normalization_is_no_matter_for_8_bits():
    model, work = models.tabular("mlp", normalization="layer")
    got = LiteModel(conversion.convert(Draft(model, (), "int8"), work)).scores(work.validation)
    np.testing.assert_allclose(got, expected(model, work), atol=TOLERANCE["int8"])


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"normalization": "layer"}, "norm_0"), ({"max_categories": 3}, "capped")],
)
def test_a_layer_that_16_bit_activations_lack_is_named(settings, name):
    model, work = models.tabular("mlp", **settings)
    with pytest.raises(InputError, match=f"'{name}'"):
        conversion.convert(Draft(model, (), "int16x8"), work)


def test_the_converter_keeps_quiet(capfd):
    model, work = models.tabular(epochs=0)
    print("before", file=sys.stderr)
    conversion.convert(Draft(model, (), "dynamic_range"), work)
    print("after", file=sys.stderr)
    told = capfd.readouterr().err
    assert told.startswith("before")
    assert "fully_quantize" not in told
    assert told.rstrip().endswith("after")


def test_rows_to_measure_are_drawn_by_the_seed():
    model, work = models.tabular(epochs=0)
    first = conversion.representative(model, work, "int8")
    again = conversion.representative(model, work, "int8")
    np.testing.assert_array_equal(first["numeric"], again["numeric"])
    assert len(first["numeric"]) == min(conversion.REPRESENTATIVE_ROWS, len(work.train[LABEL]))
    other = replace(work, training=work.training.model_copy(update={"seed": 2}))
    assert not np.array_equal(
        first["numeric"], conversion.representative(model, other, "int8")["numeric"]
    )
