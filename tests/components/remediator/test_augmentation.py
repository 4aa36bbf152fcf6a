"""Rows that are made lie between those there are."""

import numpy as np
import pytest

from components.errors import InputError
from components.remediator.remedies.augmentation import between_neighbours, noisy


def arrays(rows=60, seed=0):
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, rows)
    # Two clouds of each class, each with a category of its own.
    cloud = random.integers(0, 2, rows)
    return {
        "numeric": (random.normal(size=(rows, 2)) + 20 * cloud[:, None]).astype(np.float32),
        "categorical": np.stack([cloud + 2, random.integers(0, 3, rows)], axis=1),
        "label": label,
    }


def test_new_rows_lie_between_neighbours_of_their_class():
    given = arrays()
    made = between_neighbours(given, 300, 3, np.random.default_rng(1))
    assert {name: values.shape[1:] for name, values in made.items()} == {
        name: values.shape[1:] for name, values in given.items()
    }
    assert all(made[name].dtype == given[name].dtype for name in given)
    assert np.bincount(made["label"]) == pytest.approx(np.bincount(given["label"]) * 5, abs=1)
    for numbers, categories, label in zip(
        made["numeric"], made["categorical"], made["label"], strict=True
    ):
        own = given["numeric"][given["label"] == label]
        # On the way between two rows: the distances to the two add up to that between them.
        far = np.linalg.norm(own - numbers, axis=1)
        apart = np.linalg.norm(own[:, None] - own[None], axis=2)
        detour = far[:, None] + far[None] - apart
        assert detour.min() < 1e-4
        # Neighbours are of the same cloud, and so is the category.
        assert categories[0] == (numbers.mean() > 10) + 2


def test_equal_seeds_make_equal_rows():
    one, two = (between_neighbours(arrays(), 20, 3, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_labels_of_a_regression_lie_on_the_way():
    given = {"numeric": np.array([[0.0], [1.0]], np.float32), "label": np.array([10.0, 20.0])}
    made = between_neighbours(given, 50, 5, np.random.default_rng(0), regression=True)
    assert made["label"] == pytest.approx(10 + 10 * made["numeric"][:, 0], rel=1e-5)


def test_a_row_alone_is_its_own_neighbour():
    given = {"categorical": np.array([[4, 2]]), "label": np.array([1])}
    made = between_neighbours(given, 3, 5, np.random.default_rng(0))
    assert made["categorical"].tolist() == [[4, 2]] * 3


def test_noise_is_of_the_budget():
    given = {"numeric": np.zeros((10, 3), np.float32), "label": np.arange(10)}
    made = noisy(given, 5000, 0.3, np.random.default_rng(0))
    assert made["numeric"].std() == pytest.approx(0.3, rel=0.02)
    pixels = {"image": np.full((4, 8, 8, 1), 100, np.uint8), "label": np.arange(4)}
    made = noisy(pixels, 200, 0.1, np.random.default_rng(0))
    assert made["image"].dtype == np.uint8
    assert made["image"].std() == pytest.approx(25.5, rel=0.05)


def test_categories_alone_take_no_noise():
    given = {"categorical": np.zeros((4, 1), np.int64), "label": np.arange(4)}
    with pytest.raises(InputError, match="no number"):
        noisy(given, 4, 0.1, np.random.default_rng(0))
