"""Tests of XRAI: a planted region, agreement with saliency, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.deadline import Deadline
from components.explainer import maps
from components.explainer.network import Network
from components.explainer.xrai import card
from components.explainer.xrai.config import XraiConfig
from components.explainer.xrai.explanation import METHOD, attributions, best
from components.explainer.xrai.regions import ranked
from components.explainer.xrai.segments import segments
from components.models.transformed import IMAGE
from tests.components.explainer import networks, problems
from tests.components.pages import Document

CONFIG = XraiConfig(images=2, scales=(250,), steps=16)
ALWAYS = Deadline(math.inf)


@pytest.fixture(scope="module")
def patches():
    return networks.patches(6, 24, seed=5)


@pytest.fixture(scope="module")
def trained(patches):
    return networks.image_problem(networks.patch_model(24), patches[0], patches[1])


def _masks(random, shape, count):
    rows, columns = np.indices(shape)
    centres = random.uniform(0, shape[0], (count, 2))
    radii = random.uniform(2, shape[0] / 2, count)
    return np.stack(
        [
            (rows - y) ** 2 + (columns - x) ** 2 < radius**2
            for (y, x), radius in zip(centres, radii, strict=True)
        ]
    )


@pytest.mark.parametrize("least", [1, 30])
def test_regions_are_ranked_as_by_saliency(least):
    from saliency.core.xrai import XRAI

    random = np.random.default_rng(least)
    values, masks = random.normal(size=(32, 32)), _masks(random, (32, 32), 40)
    theirs, their_order = XRAI._xrai(values, list(masks), min_pixel_diff=least)
    gains, order = ranked(values, masks, least)
    np.testing.assert_allclose(gains, theirs, atol=1e-9)
    # Theirs are numbered by their gain, and not by when they were added.
    by_gain = np.argsort([-gains[order == place].max() for place in range(1, order.max() + 1)])
    assert set(np.unique(their_order)) == set(range(1, len(by_gain) + 1))


def test_regions_cover_the_image_once():
    random = np.random.default_rng(1)
    values = random.normal(size=(16, 16))
    masks = _masks(random, (16, 16), 10)
    gains, order = ranked(values, masks, 1)
    for place in range(1, order.max() + 1):
        region = order == place
        assert region.any()
        np.testing.assert_allclose(gains[region], values[region].mean())
    # What is left over is the last region, and all is attributed.
    assert gains.sum() == pytest.approx(values.sum())


def test_segments_are_those_of_saliency():
    from saliency.core import xrai
    from skimage.data import astronaut

    pixels = astronaut()[40:80, 190:230].astype(np.float32)
    ours = segments(pixels, (50, 100, 150, 250, 500, 1200), 150, 5 / 40)
    found = [mask for mask in xrai._get_segments_felzenszwalb(pixels) if mask.any()]
    theirs = np.unique(np.stack(found), axis=0)
    assert len(ours) > 50
    np.testing.assert_array_equal(ours, theirs)


def test_integrated_gradients_are_those_of_saliency(trained):
    import saliency.core as saliency

    network = Network(trained)
    pixels = trained.subject.images[1].astype(np.float32)

    def slopes(batch, call_model_args=None, expected_keys=None):
        points = {IMAGE: np.asarray(batch, np.float32)}
        weights = np.ones((len(batch), 1))
        return {saliency.INPUT_OUTPUT_GRADIENTS: network.slopes(points, weights)[IMAGE]}

    theirs = np.mean(
        [
            saliency.IntegratedGradients().GetMask(
                pixels, slopes, x_baseline=np.full_like(pixels, end), x_steps=200, batch_size=64
            )
            for end in (0.0, 255.0)
        ],
        axis=0,
    ).max(axis=-1)
    ours = attributions(network, pixels, np.ones(1), 200)
    # They take the ends of the steps, we the middles.
    assert np.abs(ours - theirs).max() <= 0.05 * np.abs(theirs).max()
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_the_planted_region_is_the_first(trained, patches):
    found = METHOD.explain(trained, XraiConfig(images=6, scales=(100, 250), steps=16), ALWAYS)
    places, values = maps.read(found.tables["xrai_maps"])
    with_patch = [place for place, row in enumerate(places) if patches[1][row] == 1]
    assert len(with_patch) == 3
    for place in with_patch:
        where = patches[2][places[place]]
        gains = values[place]
        first = gains == gains.max()
        assert where[first].mean() > 0.5  # Of the patch, or its dilated edge.
        # Of the best pixels, twice as many as the patch has, most of the patch is.
        limit = np.sort(gains.ravel())[-2 * where.sum()]
        assert (gains >= limit)[where].mean() > 0.8


def test_the_best_share_holds_whole_regions():
    gains = np.repeat(np.arange(5.0) - 1, 20).reshape(1, 10, 10)
    np.testing.assert_array_equal(best(gains, 0.2), np.where(gains == 3, 3, 0))
    assert (best(gains, 0.3) > 0).sum() == 40
    assert not best(-np.ones((1, 4, 4)), 0.5).any()  # What speaks against is not shown.
    assert best(np.zeros((0, 4, 4)), 0.5).shape == (0, 4, 4)


def test_equal_seeds_and_other_orders_give_equal_regions(trained):
    found = METHOD.explain(trained, CONFIG, ALWAYS)
    assert METHOD.explain(trained, CONFIG, ALWAYS).found == found.found
    order = np.array([3, 1, 0, 5, 4, 2])
    moved = METHOD.explain(networks.permuted(trained, order), CONFIG, ALWAYS).found["images"]
    by_row = {each["row"]: each["regions"] for each in found.found["images"]}
    assert {each["row"]: each["regions"] for each in moved} == by_row


def test_tables_are_refused_and_no_time_is_told(trained):
    table = problems.problem(lambda columns: columns["x0"], problems.numbers(10, 2))
    assert "explains images" in METHOD.refuse(table, CONFIG)
    found = METHOD.explain(trained, CONFIG, Deadline(0.0)).found
    assert found["images"] == []
    assert "after 0 of 2 images" in found["notes"][0]


def test_an_image_of_one_colour_is_one_region(trained):
    gray = np.full((1, 24, 24, 1), 90, np.uint8)
    problem = networks.image_problem(trained.subject.model, gray)
    [image] = METHOD.explain(problem, CONFIG, ALWAYS).found["images"]
    assert image["regions"] == 1


def test_the_card(trained):
    page = Document(card.section(METHOD.explain(trained, CONFIG, ALWAYS).found))
    assert len(page.named("img")) == 4
    assert "20%" in page.text
