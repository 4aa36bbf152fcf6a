"""Tests of SmoothGrad: linear models, agreement with saliency, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.deadline import Deadline
from components.explainer import maps
from components.explainer.network import Network
from components.explainer.smooth_grad import card
from components.explainer.smooth_grad.config import SmoothGradConfig
from components.explainer.smooth_grad.explanation import METHOD, smoothed
from components.models.transformed import IMAGE
from tests.components.explainer import networks, problems
from tests.components.pages import Document

CONFIG = SmoothGradConfig(images=3, samples=8)
ALWAYS = Deadline(math.inf)


@pytest.fixture(scope="module")
def trained():
    images, labels, _ = networks.patches(6, seed=5)
    return networks.image_problem(networks.patch_model(), images, labels)


def test_the_gradient_of_a_linear_model_is_its_weights():
    weights = np.random.default_rng(0).normal(size=(6, 6, 3))
    pixels = np.random.default_rng(1).integers(0, 256, (3, 6, 6, 3)).astype(np.uint8)
    problem = networks.image_problem(networks.linear_model(weights), pixels)
    found = METHOD.explain(problem, CONFIG, ALWAYS)
    places, values = maps.read(found.tables["smooth_grad_maps"])
    assert len(places) == 3
    for each in values:
        np.testing.assert_allclose(each, np.abs(weights).max(axis=-1), rtol=1e-5)


def test_without_noise_it_is_the_plain_gradient(trained):
    network = Network(trained)
    pixels = trained.subject.images[1].astype(np.float32)
    plain = network.slopes({IMAGE: pixels[None]}, np.ones((1, 1)))[IMAGE][0]
    noise = np.random.default_rng(0).standard_normal((4, *pixels.shape))
    found = smoothed(network, pixels, np.ones(1), noise, 0.0)
    np.testing.assert_allclose(found, plain, atol=1e-7)
    assert np.abs(smoothed(network, pixels, np.ones(1), noise, 0.3) - plain).max() > 1e-4


def test_it_agrees_with_saliency(trained):
    import saliency.core as saliency

    network = Network(trained)
    pixels = trained.subject.images[1].astype(np.float32)

    def slopes(batch, call_model_args=None, expected_keys=None):
        points = {IMAGE: np.asarray(batch, np.float32)}
        weights = np.ones((len(batch), 1))
        return {saliency.INPUT_OUTPUT_GRADIENTS: network.slopes(points, weights)[IMAGE]}

    np.random.seed(3)
    noise = np.random.normal(0, 1, (40, *pixels.shape))
    np.random.seed(3)
    theirs = saliency.GradientSaliency().GetSmoothedMask(
        pixels, slopes, stdev_spread=0.15, nsamples=40, magnitude=False
    )
    ours = smoothed(network, pixels, np.ones(1), noise, 0.15)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())


def test_equal_seeds_and_other_orders_give_equal_maps(trained):
    found = METHOD.explain(trained, CONFIG, ALWAYS)
    assert METHOD.explain(trained, CONFIG, ALWAYS).found == found.found
    order = np.array([3, 1, 0, 5, 4, 2])
    moved = METHOD.explain(networks.permuted(trained, order), CONFIG, ALWAYS)

    def by_row(explanation):
        rows = explanation.tables["smooth_grad_maps"].to_pylist()
        return {row["row"]: np.array(row["values"]) for row in rows}

    ours, theirs = by_row(found), by_row(moved)
    assert ours.keys() == theirs.keys()
    for row, values in ours.items():
        np.testing.assert_allclose(theirs[row], values, atol=1e-6)


def test_tables_are_refused_and_no_time_is_told(trained):
    table = problems.problem(lambda columns: columns["x0"], problems.numbers(10, 2))
    assert "explains images" in METHOD.refuse(table, CONFIG)
    assert "Keras" in METHOD.refuse(problems.images(), CONFIG)
    assert METHOD.refuse(trained, CONFIG) is None
    found = METHOD.explain(trained, CONFIG, Deadline(0.0)).found
    assert found["rows"] == 0
    assert "after 0 of 3 images" in found["notes"][0]


def test_the_card(trained):
    page = Document(card.section(METHOD.explain(trained, CONFIG, ALWAYS).found))
    assert len(page.named("img")) == 6
    assert "15%" in page.text
