"""Tests of Grad-CAM: a planted patch, agreement with saliency, what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tf_keras

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import maps
from components.explainer.grad_cam import card
from components.explainer.grad_cam.config import GradCamConfig
from components.explainer.grad_cam.explanation import METHOD, activation_map, target
from components.explainer.integrated_gradients.config import IntegratedGradientsConfig
from components.explainer.integrated_gradients.explanation import METHOD as GRADIENTS
from components.explainer.network import Network
from components.explainer.smooth_grad.config import SmoothGradConfig
from components.explainer.smooth_grad.explanation import METHOD as SMOOTH_GRAD
from components.explainer.xrai.config import XraiConfig
from components.explainer.xrai.explanation import METHOD as XRAI
from components.models import ensemble
from tests.components.explainer import networks, problems
from tests.components.pages import Document

CONFIG = GradCamConfig(images=6)
ALWAYS = Deadline(math.inf)


@pytest.fixture(scope="module")
def patches():
    return networks.patches(6, seed=5)


@pytest.fixture(scope="module")
def trained(patches):
    return networks.image_problem(networks.patch_model(), patches[0], patches[1])


def test_the_planted_patch_is_highlighted(trained, patches):
    found = METHOD.explain(trained, CONFIG, ALWAYS)
    assert found.found["layer"] == "second"
    assert found.found["resolution"] == [8, 8]
    places, values = maps.read(found.tables["grad_cam_maps"])
    for place, row in enumerate(places):
        if patches[1][row] == 1:
            where = patches[2][row]
            assert values[place][where].mean() > 5 * values[place][~where].mean()


def test_of_a_mean_over_places_it_is_the_weighted_channels():
    random = np.random.default_rng(0)
    layers = tf_keras.layers
    model = networks.image_model(
        [
            layers.Conv2D(4, 3, padding="same", name="convolution"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, use_bias=False, name="head"),
        ],
        8,
    )
    pixels = random.integers(0, 256, (1, 8, 8, 1)).astype(np.float32)
    problem = networks.image_problem(model, pixels)
    channels = tf_keras.Model(model.inputs, model.get_layer("convolution").output)
    head = model.get_layer("head").get_weights()[0][:, 0]
    expected = np.maximum(channels(pixels).numpy()[0] @ head / 64, 0)
    found = activation_map(Network(problem), model.get_layer("convolution"), pixels[0], np.ones(1))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_it_agrees_with_saliency(trained):
    import saliency.core as saliency
    import tensorflow as tf

    model = trained.subject.model
    inner = tf_keras.Model(model.inputs, [model.get_layer("second").output, model.output])

    def call(batch, call_model_args=None, expected_keys=None):
        with tf.GradientTape() as tape:
            channels, logit = inner({"image": tf.constant(batch, tf.float32)})
        slopes = tape.gradient(logit, channels)
        return {
            saliency.CONVOLUTION_LAYER_VALUES: channels,
            saliency.CONVOLUTION_OUTPUT_GRADIENTS: slopes,
        }

    found = METHOD.explain(trained, CONFIG, ALWAYS)
    places, values = maps.read(found.tables["grad_cam_maps"])
    positive = [p for p, name in enumerate(found.found["images"]) if name["output"] == "yes"]
    assert positive
    for place in positive:
        pixels = trained.subject.images[places[place]].astype(np.float32)
        theirs = saliency.GradCam().GetMask(pixels, call, three_dims=False)
        ours = values[place] / values[place].max()
        np.testing.assert_allclose(ours, theirs / theirs.max(), atol=0.02)


@pytest.mark.parametrize(("task", "outputs"), [("regression", 1), ("multiclass", 3)])
def test_coloured_images_of_every_task_are_explained(task, outputs):
    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    body = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(outputs)]
    pixels = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3)).astype(np.uint8)
    problem = networks.image_problem(networks.image_model(body, 12, 3), pixels, task=task)
    for method, config in (
        (METHOD, CONFIG),
        (SMOOTH_GRAD, SmoothGradConfig(samples=2)),
        (XRAI, XraiConfig(scales=(250,), steps=4)),
        (GRADIENTS, IntegratedGradientsConfig(tolerance=0.1)),
    ):
        assert method.refuse(problem, config) is None
        found = method.explain(problem, config, ALWAYS).found
        assert len(found["images"]) == 3
        json.dumps(found, allow_nan=False)
    broken = networks.image_problem(networks.not_finite(problem.subject.model), pixels, task=task)
    with pytest.raises(InputError, match="no number"):
        METHOD.explain(broken, CONFIG, ALWAYS)


def test_a_layer_of_the_settings_is_taken(trained):
    found = METHOD.explain(trained, GradCamConfig(layer="first", images=1), ALWAYS).found
    assert (found["layer"], found["resolution"]) == ("first", [16, 16])
    with pytest.raises(InputError, match="no layer 'secnd'; nearest: second") as raised:
        target(trained.subject.model, "secnd")
    assert raised.value.details["setting"] == "explainer.grad_cam.layer"
    dense = trained.subject.model.layers[-1].name
    with pytest.raises(InputError, match="no image"):
        METHOD.explain(trained, GradCamConfig(layer=dense), ALWAYS)


def test_models_without_a_convolution_of_their_own_are_refused(trained):
    table = problems.problem(lambda columns: columns["x0"], problems.numbers(10, 2))
    assert "explains images" in METHOD.refuse(table, CONFIG)
    flat = networks.image_problem(
        networks.linear_model(np.ones((16, 16, 1)) / 255), trained.subject.images
    )
    assert "no convolution" in METHOD.refuse(flat, CONFIG)
    two = ensemble.combine([trained.subject.model, networks.patch_model(seed=1)], [0.5, 0.5])
    several = networks.image_problem(two, trained.subject.images)
    assert "made of several" in METHOD.refuse(several, CONFIG)


def test_empty_maps_and_no_time_are_told():
    layers = tf_keras.layers
    body = [layers.Conv2D(1, 1, use_bias=False), layers.GlobalAveragePooling2D(), layers.Dense(1)]
    model = networks.image_model(body, 8)
    # Active where it is bright, which speaks against the class that is predicted.
    model.layers[1].set_weights([np.ones((1, 1, 1, 1))])
    model.layers[-1].set_weights([np.full((1, 1), -0.01), np.array([100.0])])
    problem = networks.image_problem(model, np.full((2, 8, 8, 1), 100, np.uint8))
    found = METHOD.explain(problem, CONFIG, ALWAYS).found
    assert "Of 2 of 2 images no place" in found["notes"][0]
    late = METHOD.explain(problem, CONFIG, Deadline(0.0)).found
    assert late["resolution"] is None
    assert "after 0 of 2 images" in late["notes"][0]
    Document(card.section(late))


def test_equal_seeds_give_equal_maps_and_a_card(trained):
    found = METHOD.explain(trained, CONFIG, ALWAYS).found
    assert METHOD.explain(trained, CONFIG, ALWAYS).found == found
    page = Document(card.section(found))
    assert len(page.named("img")) == 12
    assert "8 x 8 places" in page.text
