"""Models on images: as published, searchable, and exported with all three signatures."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models import export, fitting, image_architectures
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.specification import Member
from components.models.training_config import TrainingConfig
from components.models.transformed import Features, ImageFeature

MNIST = ImageFeature(height=28, width=28, channels=1, mean=(33.3,), deviation=(78.6,))
SMALL = ImageFeature(
    height=9, width=7, channels=3, mean=(100.0, 120.0, 90.0), deviation=(60.0, 50.0, 70.0)
)


def build(image=SMALL, outputs=4, **settings):
    return image_architectures.build(ImageHyperParameters(**settings), image, outputs=outputs)


@pytest.mark.parametrize(("name", "parameters"), [("lenet300", 266_610), ("lenet5", 431_080)])
def test_published_networks_have_as_many_parameters(name, parameters):
    model = build(MNIST, 10, architecture=name)
    assert model.count_params() == parameters
    assert model.output_shape == (None, 10)


def test_lenet5_is_caffe_s():
    model = build(MNIST, 10, architecture="lenet5")
    layers = [
        (type(layer).__name__, getattr(layer, "activation", None), layer.output_shape[1:])
        for layer in model.layers[2:]
    ]
    linear, relu = tf_keras.activations.linear, tf_keras.activations.relu
    assert layers == [
        ("Conv2D", linear, (24, 24, 20)),
        ("MaxPooling2D", None, (12, 12, 20)),
        ("Conv2D", linear, (8, 8, 50)),
        ("MaxPooling2D", None, (4, 4, 50)),
        ("Flatten", None, (800,)),
        ("Dense", relu, (500,)),
        ("Dense", linear, (10,)),
    ]


@pytest.mark.parametrize(
    ("cell", "normalization", "kernel", "stages", "cells"),
    list(
        itertools.product(
            ["plain", "residual", "depthwise"], ["none", "batch"], [1, 3], [1, 3], [1, 2]
        )
    ),
)
def test_every_cell_gives_logits_and_a_gradient_to_each_weight(
    cell, normalization, kernel, stages, cells
):
    model = build(
        cell=cell,
        normalization=normalization,
        kernel=kernel,
        stages=stages,
        cells=cells,
        filters=4,
        dropout=0.2,
        l2=1e-4,
    )
    images = tf.constant(np.random.default_rng(0).integers(0, 256, (5, 9, 7, 3)), tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model({"image": images}, training=True)))
    gradients = tape.gradient(loss, model.trainable_weights)
    assert model.output_shape == (None, 4)
    assert all(gradient is not None for gradient in gradients)
    # A normalization follows a convolution without bias and activation, so that it folds.
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            [inbound] = layer.inbound_nodes
            before = inbound.inbound_layers
            convolutions = (tf_keras.layers.Conv2D, tf_keras.layers.DepthwiseConv2D)
            assert isinstance(before, convolutions)
            assert not before.use_bias
            assert before.activation is tf_keras.activations.linear


def test_more_stages_than_there_are_places_to_halve():
    assert build(stages=6, filters=2).output_shape == (None, 4)


def test_pixels_are_scaled():
    images = tf.constant(np.random.default_rng(0).integers(0, 256, (5, 9, 7, 3)), tf.float32)
    for scaling, wanted in (
        ("unit", images / 255),
        ("standard", (images - list(SMALL.mean)) / list(SMALL.deviation)),
    ):
        layer = build(scaling=scaling).get_layer("scaled")
        np.testing.assert_allclose(layer(images), wanted, rtol=1e-5, atol=1e-5)
        again = image_architectures.ScalePixels.from_config(layer.get_config())
        np.testing.assert_array_equal(again(images), layer(images))


def test_images_that_are_too_small_for_lenet5():
    with pytest.raises(InputError, match="too small") as caught:
        build(architecture="lenet5")
    assert "9 x 7" in str(caught.value)


def features(**changes):
    return Features(
        label="label", task="multiclass", classes=("a", "b", "c"), image=SMALL
    ).model_copy(update=changes)


@pytest.mark.parametrize(
    ("model", "of"),
    [
        (HyperParameters(), features()),
        (ImageHyperParameters(), features(image=None, numeric=("x",))),
    ],
)
def test_an_architecture_for_another_kind_of_data(model, of):
    arrays = {"label": np.zeros(3, np.int64)}
    with pytest.raises(InputError, match="does not take"):
        fitting.fit(Member(model=model), of, arrays, arrays, TrainingConfig())


def bars(rows, seed):
    """Return images whose class is the channel of a bright bar, and their classes."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, rows)
    images = generator.integers(0, 120, (rows, 9, 7, 3), np.uint8)
    images[np.arange(rows), 2:7, generator.integers(0, 7, rows), labels] += 120
    return {"image": images, "label": labels}


@pytest.mark.parametrize("augmentation", ["none", "shift", "shift_rotate", "flip"])
def test_a_training_learns_and_is_repeated_to_the_last_bit(augmentation):
    model = ImageHyperParameters(
        filters=8, stages=1, learning_rate=0.02, batch_size=32, augmentation=augmentation
    )
    config = TrainingConfig(model=model, epochs=6, patience=6)
    train, validation = bars(400, 0), bars(100, 1)
    losses = []
    for _ in range(2):
        fitted, history = fitting.fit(Member(model=model), features(), train, validation, config)
        losses.append(history.best_loss)
    assert losses[0] == losses[1]
    predicted = np.argmax(fitted.predict(validation["image"], verbose=0), axis=1)
    assert np.mean(predicted == validation["label"]) > 0.8


def test_a_model_of_a_regression_has_its_target_s_moments():
    model = export.build(
        features(task="regression", classes=()),
        Member(model=ImageHyperParameters(filters=2)),
        target_mean=50.0,
        target_deviation=2.0,
    )
    outputs = model(np.zeros((3, 9, 7, 3), np.float32)).numpy()
    assert outputs.shape == (3, 1)
    assert np.all(np.abs(outputs - 50) < 25)


_STEPS = """
import numpy as np
import tensorflow as tf
from components.models import image_architectures
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import ImageFeature

hp = ImageHyperParameters(architecture="cnn", cell="residual", normalization="none", filters=3)
image = ImageFeature(height=16, width=16, channels=1, mean=(128.0,), deviation=(70.0,))
model = image_architectures.build(hp, image, outputs=3)
model.compile("sgd", "mse")
images = np.random.default_rng(0).integers(0, 256, (11, 16, 16, 1)).astype(np.float32)
for _ in range(40):
    model.train_on_batch({"image": images}, np.zeros((11, 3), np.float32))
"""


def test_an_odd_batch_does_not_break_the_process():
    """TensorFlow's gradient of a strided 1 x 1 convolution overruns its memory here."""
    done = subprocess.run(
        [sys.executable, "-c", _STEPS],
        env={**os.environ, "TF_USE_LEGACY_KERAS": "1", "MALLOC_CHECK_": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_strides_of_1_x_1_take_every_second_place():
    model = build(
        SMALL, architecture="cnn", cell="residual", normalization="none", stages=2, kernel=3
    )
    shortcut = model.get_layer("stage_1_0_shortcut")
    inner = tf_keras.Model(model.input, [shortcut.input, shortcut.output])
    before = tf_keras.Model(model.input, model.get_layer("stage_0_0_activation").output)
    images = {"image": np.random.default_rng(1).integers(0, 256, (3, 9, 7, 3)).astype(np.float32)}
    taken, result = inner(images)
    strided = before(images)[:, ::2, ::2]
    np.testing.assert_array_equal(taken, strided)
    expected = tf.nn.conv2d(before(images), shortcut.kernel, 2, "SAME") + shortcut.bias
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
