"""2:4 sparsity: two of each four in a row, and a word on layers that cannot have it."""

import numpy as np
import pytest
import tf_keras

from components.compressor import pruning
from components.compressor.recipes import pruning_2_4
from components.compressor.recipes.base import Draft, copy_model
from components.errors import InputError, ModelworksError
from tests.components.compressor import models


def test_fours_lie_along_the_inputs():
    kernel = np.zeros((8, 3), np.float32)
    kernel[[0, 3, 5, 6], 1] = 1.0
    assert pruning_2_4.holds(kernel)
    assert pruning_2_4.holds(np.ones((2, 5)))
    kernel[4, 1] = 1.0  # the third of the second four
    assert not pruning_2_4.holds(kernel)
    assert not pruning_2_4.holds(np.ones((3, 1)))
    convolution = np.zeros((3, 3, 8, 5), np.float32)
    convolution[2, 1, [4, 7], 4] = 1.0
    assert pruning_2_4.holds(convolution)
    convolution[2, 1, 5, 4] = 1.0
    assert not pruning_2_4.holds(convolution)


def test_the_end_of_a_row_is_no_exception():
    kernel = np.zeros((7, 1))
    kernel[[4, 5]] = 1.0
    assert pruning_2_4.holds(kernel)
    kernel[6] = 1.0
    assert not pruning_2_4.holds(kernel)


@pytest.mark.parametrize(
    ("make", "arguments", "sparse", "dense"),
    [
        (models.tabular, {"embedding_dim": 12}, {"hidden_0", "hidden_1"}, ["embedding"]),
        (models.images, {"cell": "residual", "filters": 16}, {"stage_0_0_0", "outputs"}, ["stem"]),
        (models.images, {"architecture": "lenet300"}, {"hidden_0", "hidden_1", "outputs"}, []),
    ],
)
def test_layers_that_can_become_sparse_do_and_others_are_named(
    make, arguments, sparse, dense, capsys
):
    model, work = make(**arguments)
    before = model.get_weights()
    capsys.readouterr()
    draft = pruning_2_4.RECIPE.apply(Draft(model), work)
    said = capsys.readouterr().out
    assert draft.steps == ("pruning_2_4",)
    for name in sparse:
        kernel = draft.model.get_layer(name).kernel.numpy()
        assert pruning_2_4.holds(kernel), name
        assert np.mean(kernel == 0) == pytest.approx(0.5, abs=0.05), name
    assert [name for name in dense if name not in said] == []
    assert bool(said) == bool(dense)
    for name in dense:
        assert np.all(draft.model.get_layer(name).get_weights()[0] != 0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_two_largest_of_four_are_the_ones_that_stay():
    model, work = models.tabular("mlp")
    draft = pruning_2_4.RECIPE.apply(Draft(model), work)
    before = np.abs(model.get_layer("hidden_1").kernel.numpy()).T.reshape(-1, 4)
    after = draft.model.get_layer("hidden_1").kernel.numpy().T.reshape(-1, 4)
    for old, new in zip(before, after, strict=True):
        assert set(np.flatnonzero(new)) == set(np.argsort(old)[2:])


def test_a_model_without_a_suitable_layer_is_refused():
    _, work = models.images("lenet300", epochs=0)
    pixels = tf_keras.Input((8, 8, 1), name="image")
    x = tf_keras.layers.Conv2D(32, 3, name="only")(pixels)
    model = tf_keras.Model({"image": pixels}, tf_keras.layers.GlobalMaxPooling2D()(x))
    with pytest.raises(InputError, match="'only'"):
        pruning_2_4.RECIPE.apply(Draft(model), work)


def test_a_layer_that_did_not_become_sparse_is_found_out(monkeypatch):
    model, work = models.tabular(epochs=0)
    monkeypatch.setattr(pruning, "pruned", lambda model, *_, **__: copy_model(model))
    with pytest.raises(ModelworksError, match="'hidden_0' did not become 2:4 sparse"):
        pruning_2_4.RECIPE.apply(Draft(model), work)
