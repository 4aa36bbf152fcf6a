"""Augmentation: what it does to an image, and what it depends on."""

import math

import numpy as np
import pytest
import tensorflow as tf

from components.models import augmentation, input_pipeline
from components.models.augmentation import Augmentation
from components.models.hyperparameters import ImageHyperParameters


def images(rows=1, height=9, width=7, channels=2):
    generator = np.random.default_rng(3)
    return generator.integers(0, 256, (rows, height, width, channels), np.uint8)


def apply(how, pixels, *draws):
    rows = np.tile(np.array([draws], np.float32), (len(pixels), 1))
    return how.apply(tf.constant(pixels), tf.constant(rows)).numpy()


def test_a_shift_moves_whole_pixels_and_repeats_the_edge():
    [image] = images()
    [moved] = apply(Augmentation(0, shift=0.3), image[np.newaxis], 0.8, -0.5, 0.0, 0.0)
    down, right = round(0.8 * 0.3 * 9), round(-0.5 * 0.3 * 7)
    assert (down, right) == (2, -1)
    rows = np.clip(np.arange(9) - down, 0, 8)
    columns = np.clip(np.arange(7) - right, 0, 6)
    np.testing.assert_array_equal(moved, image[rows][:, columns])


def test_a_flip_mirrors_and_then_shifts():
    [image] = images()
    flip = Augmentation(0, shift=0.2, flip=True)
    np.testing.assert_array_equal(apply(flip, image[None], 0.0, 0.0, 0.0, -0.1)[0], image[:, ::-1])
    np.testing.assert_array_equal(apply(flip, image[None], 0.0, 0.0, 0.0, 0.1)[0], image)
    [moved] = apply(flip, image[None], 0.0, 0.8, 0.0, -0.1)
    np.testing.assert_array_equal(moved[:, 1:], image[:, ::-1][:, :-1])


@pytest.mark.parametrize(("share", "turns"), [(1.0, 1), (-1.0, -1), (0.0, 0)])
def test_a_rotation_turns_about_the_centre(share, turns):
    [image] = images(height=9, width=9)
    how = Augmentation(0, rotation=math.pi / 2)
    [turned] = apply(how, image[np.newaxis], 0.0, 0.0, share, 0.0)
    np.testing.assert_array_equal(turned, np.rot90(image, turns))


def test_types_and_constant_images_stay():
    how = Augmentation(0, shift=0.3, rotation=1.0, flip=True)
    for kind in (np.uint8, np.float32):
        gray = np.full((4, 9, 7, 1), 77, kind)
        moved = how.apply(tf.constant(gray), how.draw(tf.constant(0), 4)).numpy()
        assert moved.dtype == kind
        np.testing.assert_array_equal(moved, gray)


def test_draws_depend_on_seed_epoch_and_row_alone():
    how = Augmentation(5)
    first = how.draw(tf.constant(2, tf.int64), 100).numpy()
    np.testing.assert_array_equal(first, how.draw(tf.constant(2, tf.int64), 100))
    assert np.abs(first).max() < 1
    assert np.abs(first.mean(axis=0)).max() < 0.2
    for other in (how.draw(tf.constant(3), 100), Augmentation(6).draw(tf.constant(2), 100)):
        assert np.mean(first == other.numpy()) < 0.01


def epochs(first, last, how, arrays):
    dataset = input_pipeline.shuffled_epochs(
        arrays, label="label", batch_size=16, seed=1, epochs=range(first, last), augmentation=how
    )
    rows = [(f["image"].numpy(), y.numpy()) for f, y in dataset]
    pixels, labels = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return pixels, labels


def test_a_resumed_training_sees_what_an_undisturbed_one_would():
    arrays = {"image": images(50), "label": np.arange(50)}
    how = Augmentation(1, shift=0.3, rotation=0.3)
    pixels, labels = epochs(0, 3, how, arrays)
    resumed, resumed_labels = epochs(2, 3, how, arrays)
    np.testing.assert_array_equal(pixels[100:], resumed)
    np.testing.assert_array_equal(labels[100:], resumed_labels)
    # Each epoch has each row once, changed in another way than in the epoch before.
    in_order = [pixels[i : i + 50][np.argsort(labels[i : i + 50])] for i in (0, 50, 100)]
    assert all(sorted(labels[i : i + 50]) == list(range(50)) for i in (0, 50, 100))
    same = [np.array_equal(a, b) for a, b in zip(in_order[0], in_order[1], strict=True)]
    assert np.mean(same) < 0.1


def test_order_of_the_rows_is_the_same_without_augmentation():
    arrays = {"image": images(50), "label": np.arange(50)}
    plain, labels = epochs(0, 2, None, arrays)
    _, augmented = epochs(0, 2, Augmentation(1, shift=0.3), arrays)
    np.testing.assert_array_equal(labels, augmented)
    np.testing.assert_array_equal(plain, arrays["image"][labels])


def test_hyperparameters_say_which():
    def make(kind):
        return augmentation.make(
            ImageHyperParameters(augmentation=kind, shift=0.2, rotation=90), seed=4
        )

    assert make("none") is None
    assert make("shift") == Augmentation(4, 0.2)
    assert make("shift_rotate") == Augmentation(4, 0.2, math.pi / 2)
    assert make("flip") == Augmentation(4, 0.2, flip=True)
