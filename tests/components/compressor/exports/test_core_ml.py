"""Core ML packages: what a reader finds in them, and that their weights are the model's."""

import json

import numpy as np
import pytest
import tf_keras

from components.compressor.exports import core_ml, export, ml_program
from tests.components.compressor.exports import subjects


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lenet")
    subject = subjects.images("lenet5", side=24)
    return subject, {each.path.name: each for each in export("core_ml", subject, directory)}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    directory = tmp_path_factory.mktemp("table")
    return [each.path for each in export("core_ml", subjects.table(), directory)]


def test_a_table_goes_in_as_named_arrays_and_comes_out_as_classes(table):
    for path in table:
        package = ml_program.read(path)
        assert package.version == 7  # iOS 16
        assert {
            name: (port.kind, port.type, port.shape) for name, port in package.inputs.items()
        } == {
            "numeric": ("array", "FLOAT32", (1, 4)),
            "categorical": ("array", "INT32", (1, 2)),
        }
        assert {name: port.kind for name, port in package.outputs.items()} == {
            "classLabel": "string",
            "scores": "dictionary",
        }
        assert package.labels == ("no", "yes")
        assert package.description == "A test. Tells one thing from another."
        assert (package.model_version, package.author, package.license) == ("1", "", "")
        assert json.loads(package.metadata["modelworks.numeric"]) == ["a", "b", "c", "a:cdf"]
        assert json.loads(package.metadata["modelworks.categorical"]) == [
            {"name": "d", "size": 9},
            {"name": "e", "size": 5},
        ]
        assert package.metadata["modelworks.task"] == "binary"
        assert all(
            port.description for port in [*package.inputs.values(), *package.outputs.values()]
        )


def test_a_regression_gives_an_array(tmp_path):
    subject = subjects.table("linear", "regression")
    package = ml_program.read(export("core_ml", subject, tmp_path)[0].path)
    [(name, port)] = package.outputs.items()
    assert (name, port.kind, port.shape) == ("scores", "array", (1, 1))
    assert package.labels == ()


def test_a_grey_picture_goes_in_as_an_image(lenet):
    subject, exported = lenet
    for each in exported.values():
        package = ml_program.read(each.path)
        assert package.labels == subject.features.classes
        [image] = package.inputs.values()
        assert (image.kind, image.type, image.shape) == ("image", "GRAYSCALE", (24, 24))


def test_a_colour_picture_goes_in_as_an_image(tmp_path):
    image = tf_keras.Input((8, 6, 3), name="image")
    outputs = tf_keras.layers.Dense(10)(tf_keras.layers.Flatten()(image / 255))
    grey = subjects.images()
    features = grey.features.model_copy(
        update={"image": grey.features.image.model_copy(update={"width": 6, "channels": 3})}
    )
    pixels = np.random.default_rng(0).integers(0, 256, (64, 8, 6, 3)).astype(np.uint8)
    subject = core_ml.Subject(
        tf_keras.Model({"image": image}, outputs), features, {"image": pixels}, None, "n", "d"
    )
    result = export("core_ml", subject, tmp_path)
    assert result[0].comparison.difference <= 1e-4
    [port] = ml_program.read(result[0].path).inputs.values()
    assert (port.type, port.shape) == ("RGB", (8, 6))


def test_the_weights_on_the_disk_are_the_models(lenet):
    subject, exported = lenet
    found = ml_program.weights(exported["model.mlpackage"].path).values()
    for layer in subject.model.layers:
        if not layer.weights:
            continue
        kernel = layer.get_weights()[0]
        # Core ML has outputs first, then inputs, then the places of a kernel.
        turned = kernel.T if kernel.ndim == 2 else kernel.transpose(3, 2, 0, 1)
        assert any(np.array_equal(turned, values) for values in found), layer.name


def test_eight_bits_take_a_quarter_and_palettes_an_eighth(lenet):
    _, exported = lenet
    whole, quantized, palettized = (each.bytes for each in exported.values())
    assert quantized < 0.3 * whole
    assert palettized < 0.17 * whole
    kernels = ml_program.read(exported["model_palettized.mlpackage"].path).unique_weights
    assert [count for count in kernels.values() if count > 1] == [16, 16, 16, 16]
    for name in ("model_int8.mlpackage", "model_palettized.mlpackage"):
        assert exported[name].comparison.agreement >= 0.9


@pytest.mark.parametrize("clusters", [2, 7, 100])
def test_clustered_weights_are_kept_exactly(clusters):
    random = np.random.default_rng(clusters)
    centres = random.normal(size=clusters).astype(np.float32)
    weights = random.choice(centres, (70, 50))
    values, indices = core_ml.palette(weights)
    np.testing.assert_array_equal(values[indices].reshape(weights.shape), weights)
    assert len(values) == {2: 2, 7: 16, 100: 256}[clusters]


def test_other_weights_get_sixteen_values_near_them():
    weights = np.random.default_rng(0).normal(size=(60, 40)).astype(np.float32)
    values, indices = core_ml.palette(weights)
    assert len(values) == 16
    # An optimal quantizer of a normal variable to 16 levels has a distortion of 0.0095
    # [Max 1960, Quantizing for Minimum Distortion].
    assert np.mean((values[indices] - weights.ravel()) ** 2) < 0.011


def test_pruned_weights_stay_zeros():
    random = np.random.default_rng(0)
    weights = random.normal(size=(60, 40)).astype(np.float32)
    weights[random.random(weights.shape) < 0.8] = 0
    values, indices = core_ml.palette(weights)
    assert len(values) == 16
    found = values[indices].reshape(weights.shape)
    np.testing.assert_array_equal(found == 0, weights == 0)
    assert np.mean((found - weights)[weights != 0] ** 2) < 0.013


def test_a_channel_without_weights_gives_zeros_in_eight_bits(tmp_path):
    subject = subjects.table.__wrapped__("mlp")  # of its own
    layer = subject.model.get_layer("hidden_0")
    kernel, bias = layer.get_weights()
    kernel[:, 3] = 0
    layer.set_weights([kernel, bias])
    result = export("core_ml", subject, tmp_path)
    weights = ml_program.weights(result[1].path).values()
    [found] = [values for values in weights if values.shape == (24, 12)]
    np.testing.assert_array_equal(found[3], np.zeros(12))
    np.testing.assert_allclose(found, kernel.T, atol=np.abs(kernel).max() / 127)


def test_what_cannot_be_computed_here_is_said(table, monkeypatch, tmp_path):
    known = {name: rule for name, rule in ml_program.OPERATIONS.items() if name != "relu"}
    monkeypatch.setattr(ml_program, "OPERATIONS", known)
    result = export("core_ml", subjects.table(), tmp_path)
    assert len(result) == 3
    for each in result:
        assert each.comparison is None
        assert "relu" in each.verified
        assert "not verified" in each.verified


def test_every_report_says_that_core_ml_has_not_run(lenet):
    _, exported = lenet
    assert all("has not run this package" in each.verified for each in exported.values())


def test_nothing_is_printed(tmp_path, capfd):
    export("core_ml", subjects.table(), tmp_path)
    printed = capfd.readouterr()
    assert "it/s" not in printed.err
    assert "passes" not in printed.err + printed.out
    assert "coremltools" not in printed.err + printed.out
