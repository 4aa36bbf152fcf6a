"""Lattice networks: monotonic where declared, learning, repeatable, and equal when reloaded."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.metrics import roc_auc_score

from components.errors import InputError
from components.models import lattice, measuring
from components.models.lattice import DECREASING, INCREASING
from components.models.transformed import CategoricalColumn, Features, ImageFeature

ROWS = 1000
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


def _features(task="binary", numeric=("a", "b", "c", "a:cdf"), sizes=(6, 1)):
    return Features(
        numeric=numeric,
        categorical=tuple(CategoricalColumn(name=f"z{i}", size=n) for i, n in enumerate(sizes)),
        label="y",
        task=task,
        classes=CLASSES[task],
    )


def _arrays(features, seed=0, rows=ROWS):
    """Return rows in which the label rises with `a` on the whole, but not everywhere."""
    random = np.random.default_rng(seed)
    numeric = random.normal(size=(rows, len(features.numeric))).astype(np.float32)
    value = np.sin(3 * numeric[:, 0]) + numeric[:, 0] - numeric[:, 1]
    arrays = {"numeric": numeric}
    if features.categorical:
        ids = [random.integers(0, column.size, rows) for column in features.categorical]
        arrays["categorical"] = np.stack(ids, axis=1)
        value = value + (ids[0] > 2)
    value = value + random.normal(0, 0.1, rows)
    arrays["label"] = (
        (value * 50 + 4000).astype(np.float32)
        if features.regression
        else np.searchsorted(
            np.quantile(value, np.arange(1, len(features.classes)) / len(features.classes)), value
        )
    )
    return arrays


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(lattice, "EPOCHS", 6)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_output_goes_one_way_with_declared_columns_and_learns(task):
    features = _features(task)
    train, other = _arrays(features), _arrays(features, 1)
    declared = {"a": INCREASING, "b": DECREASING}
    model = lattice.fit(features, train, other, declared, 3)
    assert lattice.largest_violation(model, features, other, declared, 0) == 0.0
    reverse = {"a": DECREASING, "b": INCREASING}
    assert lattice.largest_violation(model, features, other, reverse, 0) > 0.1
    found = measuring.outputs(model, other)[:, 0]
    if task == "binary":
        assert roc_auc_score(other["label"], found) > 0.95
    else:
        assert np.corrcoef(other["label"], found)[0, 1] > 0.9


def test_the_same_without_a_declaration_breaks_it():
    features = _features()
    train, other = _arrays(features), _arrays(features, 1)
    model = lattice.fit(features, train, other, {}, 3)
    assert lattice.largest_violation(model, features, other, {"a": INCREASING}, 0) > 0.01


def test_several_classes():
    features = _features("multiclass")
    train, other = _arrays(features), _arrays(features, 1)
    found = measuring.outputs(lattice.fit(features, train, other, {}, 3), other)
    assert found.shape == (ROWS, 3)
    assert np.mean(found.argmax(axis=1) == other["label"]) > 0.75


def test_equal_seeds_give_equal_models(monkeypatch):
    monkeypatch.setattr(lattice, "EPOCHS", 1)
    features = _features()
    train = _arrays(features, rows=300)
    one, same = (
        measuring.outputs(lattice.fit(features, train, train, {"a": 1}, 3), train) for _ in range(2)
    )
    np.testing.assert_array_equal(one, same)
    builds = [lattice.build(features, train, {"a": 1}, seed=seed) for seed in (3, 4)]
    one, other = (measuring.outputs(model, train) for model in builds)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("numeric", "sizes"), [(("a", "b"), ()), ((), (6, 3)), (("a",), ()), ((), (1,))]
)
def test_any_columns_and_reload(tmp_path, monkeypatch, numeric, sizes):
    monkeypatch.setattr(lattice, "EPOCHS", 1)
    features = _features(numeric=numeric, sizes=sizes)
    random = np.random.default_rng(0)
    train = {"label": random.integers(0, 2, 300)}
    if numeric:
        train["numeric"] = random.normal(size=(300, len(numeric))).astype(np.float32)
    if sizes:
        train["categorical"] = np.stack([random.integers(0, n, 300) for n in sizes], axis=1)
    model = lattice.fit(features, train, train, dict.fromkeys(numeric[:1], INCREASING), 3)
    expected = measuring.outputs(model, train)
    assert np.isfinite(expected).all()
    inputs = {name: tf.constant(train[name]) for name in features.shapes}
    module = tf.Module()
    module.model = model
    module.call = tf.function(lambda **taken: model(taken), autograph=False)
    tf.saved_model.save(
        module, str(tmp_path), signatures=module.call.get_concrete_function(**inputs)
    )
    [found] = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](**inputs).values()
    np.testing.assert_array_equal(found.numpy(), expected)


def test_many_columns_are_all_looked_at():
    names = tuple(f"x{i}" for i in range(150))
    features = _features(numeric=names, sizes=())
    random = np.random.default_rng(0)
    train = {
        "numeric": random.normal(size=(50, 150)).astype(np.float32),
        "label": random.integers(0, 2, 50),
    }
    model = lattice.build(features, train, {"x7": INCREASING}, seed=1)
    # In each of 150 copies of the rows, another column is that of the row before.
    moved = np.repeat(train["numeric"][np.newaxis], 150, axis=0)
    columns = np.arange(150)
    moved[columns, :, columns] = np.roll(train["numeric"], 1, axis=0).T
    found = measuring.outputs(model, {"numeric": moved.reshape(-1, 150)}).reshape(150, 50)
    before = measuring.outputs(model, train)[:, 0]
    assert (np.abs(found - before).max(axis=1) > 1e-4).all()


def test_quantile_ranks_are_ranks():
    layer = lattice.QuantileRanks(5)
    layer.build((None, 2))
    layer.set_weights([np.array([[0, 3], [1, 3], [1, 3], [2, 3], [4, 3]], np.float32)])
    values = np.array([[-1, 2], [0, 3], [0.5, 4], [1, 3], [3, 3], [9, 3]], np.float32)
    expected = [[0, 0], [0, 1], [0.125, 1], [0.5, 1], [0.875, 1], [1, 1]]
    np.testing.assert_allclose(layer(values).numpy(), expected, atol=1e-6)


def test_a_column_that_is_mostly_one_value_is_told_apart_where_it_is_not():
    features = _features(numeric=("a",), sizes=())
    random = np.random.default_rng(0)
    values = np.where(random.random(ROWS) < 0.95, 0, random.uniform(1, 100, ROWS))
    train = {
        "numeric": values[:, np.newaxis].astype(np.float32),
        "label": (values > 50).astype(np.int64),
    }
    model = lattice.build(features, train, {}, seed=1)
    ranks = tf_keras.Model(model.inputs, model.get_layer("free_ranks").output)
    probes = np.array([[0], [1], [50], [100]], np.float32)
    np.testing.assert_allclose(ranks(probes)[:, 0], [0, 0, 0.5, 1], atol=0.1)


def test_bad_columns_and_tasks():
    with pytest.raises(InputError, match="nearest: fare") as error:
        lattice.monotonic_columns(_features(numeric=("fare", "night")), {"fair": INCREASING})
    assert error.value.details["expected"] == "one of fare, night"
    with pytest.raises(InputError, match="No class"):
        lattice.monotonic_columns(_features("multiclass"), {"a": INCREASING})
    image = ImageFeature(height=2, width=2, channels=1, mean=(1.0,), deviation=(1.0,))
    images = Features(label="y", task="binary", classes=("0", "1"), image=image)
    with pytest.raises(InputError, match="columns"):
        lattice.build(images, {}, {}, seed=1)


def test_a_rank_moves_with_its_column():
    features = _features(numeric=("b", "a:cdf", "a:missing"))
    assert lattice.monotonic_columns(features, {"a": DECREASING}) == {1: DECREASING}
