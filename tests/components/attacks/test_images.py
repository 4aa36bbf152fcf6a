"""Attacks on images, against a linear model: there the worst change is known."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from PIL import Image

from components.attacks import images
from components.attacks.pictures import difference_uri, picture_uri
from components.attacks.victim import Victim

SIDE, ROWS = 6, 24
BUDGETED = [name for name, each in images.ATTACKS.items() if each.budgeted]
MINIMAL = [name for name, each in images.ATTACKS.items() if not each.budgeted]


@pytest.fixture(scope="module")
def problem():
    """A linear victim of three classes, images far from black and white, and their labels."""
    random = np.random.default_rng(1)
    kernel = random.normal(size=(SIDE * SIDE, 3)).astype(np.float32)
    pixels = random.uniform(0.4, 0.6, (ROWS, SIDE, SIDE, 1)).astype(np.float32)
    bias = -(pixels.reshape(ROWS, -1) @ kernel).mean(axis=0)
    logits = pixels.reshape(ROWS, -1) @ kernel + bias
    victim = Victim(
        tf.function(lambda x: tf.reshape(x, (-1, SIDE * SIDE)) @ kernel + bias),
    )
    labels = logits.argmax(axis=1)
    labels[:2] = (labels[:2] + 1) % 3  # wrong as they are
    return victim, pixels, labels, kernel, logits


def _worst(problem, order):
    """Return the least distance [n] to another class, in the norm dual to `order`."""
    _, _, labels, kernel, logits = problem
    nearest = np.full(ROWS, np.inf)
    for other in range(3):
        gap = logits[np.arange(ROWS), labels] - logits[:, other]
        norm = np.linalg.norm(kernel[:, labels] - kernel[:, [other]], ord=order, axis=0)
        nearest = np.minimum(nearest, np.where(labels == other, np.inf, gap / norm.clip(1e-9)))
    return np.maximum(nearest, 0)


@pytest.mark.parametrize("name", BUDGETED)
@pytest.mark.parametrize("eps", [0.004, 0.01])
def test_attacks_within_a_budget_turn_what_can_be_turned(problem, name, eps):
    victim, pixels, labels, _, _ = problem
    outcome = images.attack(name, victim, pixels, labels, eps=eps, seed=1)
    assert np.abs(outcome.images - pixels).max() <= eps + 1e-6
    least = _worst(problem, 1)
    assert 0 < (least < eps).mean() < 1
    # No attack can turn more; and few less: the loss's gradient mixes the other classes.
    assert not (~outcome.right & (least > eps * 1.001)).any()
    assert (outcome.right & (least < eps * 0.97)).sum() <= 2
    np.testing.assert_array_equal(outcome.right, outcome.classes == labels)
    assert outcome.accuracy == pytest.approx(outcome.right.mean())


@pytest.mark.parametrize("name", MINIMAL)
def test_attacks_without_a_budget_end_near_the_nearest_boundary(problem, name):
    victim, pixels, labels, _, _ = problem
    outcome = images.attack(name, victim, pixels, labels, seed=1)
    least = _worst(problem, 2)
    assert not outcome.right.any()
    assert (outcome.distances[:2] == 0).all()
    assert (outcome.distances >= least * 0.999).all()
    # HopSkipJump knows decisions alone; Carlini and Wagner's takes few and long steps.
    slack = {"foolbox_deepfool": 1.01, "foolbox_carlini_wagner": 1.25}.get(name, 1.6)
    attacked = outcome.distances > 0
    assert np.median(outcome.distances[attacked] / least[attacked]) < slack
    assert outcome.median == pytest.approx(np.median(outcome.distances[attacked]))


def test_a_seed_gives_one_result(problem):
    victim, pixels, labels, _, _ = problem
    first, again, other = (
        images.attack("foolbox_pgd", victim, pixels, labels, eps=0.01, seed=seed).images
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_where_all_images_are_of_one_class_there_is_no_start_to_jump_from(problem):
    victim, pixels, _, _, _ = problem
    one = pixels[:1].repeat(3, axis=0)
    outcome = images.attack(images.DECISION_BASED, victim, one, victim.classes(one), seed=1)
    assert outcome.right.all()
    assert outcome.median is None
    np.testing.assert_array_equal(outcome.images, one)


def test_a_victim_of_keras_takes_pixels_up_to_255_and_one_logit_means_two_classes():
    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((SIDE, SIDE, 1), name="image")
    outputs = tf_keras.layers.Dense(1)(tf_keras.layers.Flatten()(inputs))
    model = tf_keras.Model({"image": inputs}, outputs)
    pixels = np.random.default_rng(1).uniform(size=(9, SIDE, SIDE, 1)).astype(np.float32)
    expected = model({"image": 255 * pixels}).numpy()[:, 0]
    victim = Victim.of(model)
    np.testing.assert_allclose(victim.logits(tf.constant(pixels))[:, 1], expected, rtol=1e-5)
    np.testing.assert_array_equal(victim.classes(pixels), expected > 0)
    assert len(victim.classes(pixels[:0])) == 0


def test_weaker_pgd_than_fgsm_is_told_as_masking():
    accuracies = {"foolbox_fgsm": {0.1: 0.5, 0.2: 0.3}, "foolbox_pgd": {0.1: 0.6, 0.2: 0.3}}
    [text] = images.masking(accuracies)
    assert "eps 0.1" in text
    assert images.masking({"foolbox_fgsm": {0.1: 0.5}}) == []


def test_examples_are_spread_over_the_distances_and_hold_pictures(problem):
    victim, pixels, labels, _, _ = problem
    outcome = images.attack("foolbox_deepfool", victim, pixels, labels, seed=1)
    shown = images.examples(pixels, labels, outcome, ("a", "b", "c"), 4)
    assert [each["distance"] for each in shown] == sorted(each["distance"] for each in shown)
    assert shown[0]["distance"] == outcome.distances[outcome.distances > 0].min()
    assert shown[-1]["distance"] == outcome.distances.max()
    assert all(each["label"] != each["predicted"] for each in shown)
    decoded = _pixels(shown[0]["adversarial"])
    attacked = outcome.images[shown[0]["row"], ..., 0]
    assert np.abs(decoded / 255 - attacked).max() <= 0.5 / 255 + 1e-6


def _pixels(uri):
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def test_pictures_of_colours_and_of_no_difference():
    colours = np.random.default_rng(1).uniform(size=(3, 4, 3))
    assert _pixels(picture_uri(colours)).shape == (3, 4, 3)
    assert set(_pixels(difference_uri(np.zeros((3, 4, 1)))).flat) <= {127, 128}
    both = _pixels(difference_uri(np.array([[[-0.1], [0.1]]])))
    assert both.tolist() == [[0, 255]]
