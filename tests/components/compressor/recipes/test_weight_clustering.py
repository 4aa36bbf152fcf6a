from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from components.compressor import conversion
from components.compressor.config import ClusteringConfig
from components.compressor.patterns import Pattern, clustered
from components.compressor.recipes import weight_clustering
from components.compressor.recipes.base import Draft, copy_model
from components.compressor.tflite_reading import read
from components.errors import InputError
from tests.components.compressor import models

KERNELS = {"Dense": "kernel", "Conv2D": "kernel", "Embedding": "embeddings"}


def kernels(model: tf_keras.Model) -> dict[str, np.ndarray]:
    return {
        layer.name: getattr(layer, KERNELS[type(layer).__name__]).numpy()
        for layer in model.layers
        if type(layer).__name__ in KERNELS
    }


def pruned(model: tf_keras.Model) -> tf_keras.Model:
    """Return a copy with three quarters of each kernel zero."""
    copy = copy_model(model)
    for layer in copy.layers:
        if type(layer).__name__ in KERNELS:
            variable = getattr(layer, KERNELS[type(layer).__name__])
            kernel = variable.numpy()
            variable.assign(kernel * (abs(kernel) > np.quantile(abs(kernel), 0.75)))
    return copy


def made(kind: str, **settings):
    recipes = models.RECIPES.model_copy(update={"clustering": ClusteringConfig(clusters=8)})
    if kind == "images":
        return models.images("cnn", recipes=recipes, **settings)
    return models.tabular(kind, recipes=recipes, **settings)


@pytest.mark.parametrize("kind", ["wide_and_deep", "cross", "images"])
def test_kernels_have_few_values_and_the_model_is_nearly_as_good(kind):
    model, work = made(kind)
    draft = weight_clustering.RECIPE.apply(Draft(model), work)
    for kernel in kernels(draft.model).values():
        assert len(np.unique(kernel)) <= 8
    lost = models.accuracy(model, work.validation) - models.accuracy(draft.model, work.validation)
    assert lost < 0.08
    assert draft.steps == ("clustering",)


@pytest.mark.parametrize("kind", ["wide_and_deep", "images"])
def test_zeros_stay_and_are_one_of_the_values(kind):
    model, work = made(kind)
    sparse = pruned(model)
    draft = weight_clustering.RECIPE.apply(Draft(sparse), work)
    before = kernels(sparse)
    for name, kernel in kernels(draft.model).items():
        np.testing.assert_array_equal(kernel == 0, before[name] == 0)
        assert len(np.unique(kernel)) <= 8
    found = read(conversion.convert(draft, work))
    for weights in found.weights:
        assert weights.unique <= 7
    assert found.sparsity > 0.7


def test_values_are_trained_on():
    model, work = made("mlp")
    draft = weight_clustering.RECIPE.apply(Draft(model), work)
    kernel = kernels(model)["hidden_0"]
    assert not np.isin(kernels(draft.model)["hidden_0"], clustered(kernel, 8)).all()


def test_the_model_is_left_as_it_was():
    model, work = made("images")
    before = model.get_weights()
    weight_clustering.RECIPE.apply(Draft(model), work)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_result_is_a_plain_model_that_can_be_copied():
    model, work = made("wide_and_deep")
    draft = weight_clustering.RECIPE.apply(Draft(model), work)
    copy = copy_model(draft.model)
    np.testing.assert_array_equal(
        models.outputs(copy, work.validation), models.outputs(draft.model, work.validation)
    )


def test_without_kernels_there_is_nothing_to_cluster():
    _, work = made("mlp", epochs=0)
    inputs = {"numeric": tf_keras.Input((4,), name="numeric")}
    model = tf_keras.Model(inputs, tf_keras.layers.Rescaling(2.0, name="odd")(inputs["numeric"]))
    with pytest.raises(InputError, match="'odd'"):
        weight_clustering.RECIPE.apply(Draft(model), work)


def test_k_means_finds_separate_groups():
    random = np.random.default_rng(0)
    centres = np.array([-2.0, -0.5, 0.4, 3.0])
    group = random.integers(0, 4, (30, 20))
    kernel = (centres[group] + random.normal(0, 0.02, group.shape)).astype(np.float32)
    found = clustered(kernel, 4)
    for number in range(4):
        np.testing.assert_allclose(
            found[group == number], kernel[group == number].mean(), rtol=1e-5
        )


def test_k_means_is_a_fixed_point_that_beats_even_spacing():
    kernel = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    found = clustered(kernel, 16)
    assert len(np.unique(found)) <= 16
    for value in np.unique(found):
        np.testing.assert_allclose(kernel[found == value].mean(), value, atol=1e-5)
    grid = np.linspace(kernel.min(), kernel.max(), 16)
    even = grid[abs(kernel[..., np.newaxis] - grid).argmin(axis=-1)]
    assert np.square(found - kernel).sum() < np.square(even - kernel).sum()


def test_few_values_are_left_alone():
    kernel = np.array([[1.0, 0.0, 1.0], [2.0, 0.0, 2.0]], np.float32)
    np.testing.assert_array_equal(clustered(kernel, 3), kernel)


def test_a_pattern_projects_to_the_nearest_kernel_that_has_it():
    pattern = Pattern.of(np.array([[0.0, 1.0], [1.0, 2.0], [0.0, 2.0]], np.float32), 3)
    changed = np.array([[5.0, 1.0], [2.0, 2.0], [5.0, 4.0]], np.float32)
    np.testing.assert_allclose(pattern(changed), [[0, 1.5], [1.5, 3], [0, 3]])


def test_only_a_clustered_or_sparse_kernel_has_a_pattern():
    kernel = np.random.default_rng(0).normal(size=(10, 10)).astype(np.float32)
    assert Pattern.of(kernel, 16) is None
    kernel[0, 0] = 0
    pattern = Pattern.of(kernel, 16)
    assert pattern.sparse
    assert pattern.clusters == 0
