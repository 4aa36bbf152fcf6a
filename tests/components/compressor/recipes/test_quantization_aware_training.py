from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from components.compressor import conversion, fake_quantization, folding
from components.compressor.config import ClusteringConfig
from components.compressor.recipes import (
    post_training,
    quantization_aware_training,
    weight_clustering,
)
from components.compressor.recipes.base import Draft, copy_model
from components.compressor.tflite_reading import read
from components.errors import InputError
from components.models.lite_model import LiteModel
from tests.components.compressor import models

#: Values of a kernel.
CLUSTERS = 8
KERNELS = {"Dense": "kernel", "Conv2D": "kernel", "Embedding": "embeddings"}


def made(kind: str, **settings):
    recipes = models.RECIPES.model_copy(update={"clustering": ClusteringConfig(clusters=CLUSTERS)})
    if kind == "images":
        return models.images("cnn", recipes=recipes, **settings)
    return models.tabular(kind, recipes=recipes, **settings)


def pruned(model: tf_keras.Model, share: float = 0.5) -> tf_keras.Model:
    copy = copy_model(model)
    for layer in copy.layers:
        if type(layer).__name__ in KERNELS:
            variable = getattr(layer, KERNELS[type(layer).__name__])
            kernel = variable.numpy()
            variable.assign(kernel * (abs(kernel) > np.quantile(abs(kernel), share)))
    return copy


def right(content: bytes, work) -> float:
    guess = LiteModel(content).scores(work.validation).argmax(axis=1)
    return float(np.mean(guess == work.validation["label"]))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("wide_and_deep", {}),
        ("cross", {"normalization": "batch"}),
        ("residual", {"activation": "swish"}),
        ("linear", {}),
        ("images", {}),
        ("images", {"cell": "depthwise"}),
    ],
)
def test_the_file_is_of_8_bits_and_as_good_and_answers_as_what_was_trained(kind, settings):
    model, work = made(kind, **settings)
    before, outputs = model.get_weights(), models.outputs(model, work.validation)
    draft = quantization_aware_training.RECIPE.apply(Draft(model), work)
    content = conversion.convert(draft, work)
    assert {each.dtype for each in read(content).weights} == {"int8"}
    assert right(content, work) > models.accuracy(model, work.validation) - 0.05

    trained = models.outputs(draft.model, work.validation)
    guess = trained.argmax(axis=1) if trained.shape[1] > 1 else trained[:, 0] > 0
    answers = LiteModel(content).scores(work.validation).argmax(axis=1)
    assert np.mean(answers == guess) > 0.97

    # The model itself is left as it was.
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(models.outputs(model, work.validation), outputs)


def test_zeros_are_in_the_file(capsys):
    model, work = made("cross")
    sparse = pruned(model)
    draft = quantization_aware_training.RECIPE.apply(Draft(sparse), work)
    assert "PQAT" in capsys.readouterr().out
    for weights in read(conversion.convert(draft, work)).weights:
        assert weights.zeros >= 0.5


def test_clusters_are_in_the_file(capsys):
    model, work = made("cross")
    clustered = weight_clustering.RECIPE.apply(Draft(model), work)
    draft = quantization_aware_training.RECIPE.apply(clustered, work)
    assert " CQAT" in capsys.readouterr().out
    for weights in read(conversion.convert(draft, work)).weights:
        assert weights.unique <= CLUSTERS


@pytest.mark.parametrize("kind", ["wide_and_deep", "images"])
def test_zeros_and_clusters_are_in_the_file(kind, capsys):
    model, work = made(kind)
    clustered = weight_clustering.RECIPE.apply(Draft(pruned(model)), work)
    draft = quantization_aware_training.RECIPE.apply(clustered, work)
    assert "PCQAT" in capsys.readouterr().out
    for weights in read(conversion.convert(draft, work)).weights:
        assert weights.unique <= CLUSTERS - 1
        assert weights.zeros >= 0.5


def test_kernels_are_trained_on():
    model, work = made("mlp")
    draft = quantization_aware_training.RECIPE.apply(Draft(model), work)
    before = model.get_layer("hidden_0").kernel.numpy()
    assert not np.array_equal(fake_quantization.kernels(draft.model)["hidden_0"], before)


def test_it_becomes_8_bit_integers_and_nothing_else():
    model, work = made("mlp")
    draft = quantization_aware_training.RECIPE.apply(Draft(model), work)
    assert draft.conversion == "int8"
    again = post_training.RECIPES["int8"].apply(draft, work)
    assert again.steps == ("quantization_aware_training", "int8")
    with pytest.raises(InputError, match="cannot become float16"):
        post_training.RECIPES["float16"].apply(draft, work)


def test_without_kernels_there_is_nothing_to_train():
    _, work = made("mlp", epochs=0)
    inputs = {"numeric": tf_keras.Input((4,), name="numeric")}
    model = tf_keras.Model(inputs, tf_keras.layers.Rescaling(2.0, name="odd")(inputs["numeric"]))
    with pytest.raises(InputError, match="'odd'"):
        quantization_aware_training.RECIPE.apply(Draft(model), work)


@pytest.mark.parametrize("kind", ["residual", "cross", "images"])
def test_folding_changes_no_output(kind):
    model, work = made(kind, normalization="batch")
    folded = folding.fold(model)
    assert not any(isinstance(layer, tf_keras.layers.BatchNormalization) for layer in folded.layers)
    np.testing.assert_allclose(
        models.outputs(folded, work.validation),
        models.outputs(model, work.validation),
        rtol=1e-4,
        atol=1e-4,
    )


def test_nodes_begin_with_the_outputs_of_the_network():
    model, work = made("images")
    folded = folding.fold(model)
    made_nodes = fake_quantization.add(
        folded, {}, conversion.representative(folded, work, "training")
    )
    guess = models.outputs(made_nodes, work.validation).argmax(axis=1)
    assert np.mean(guess == models.outputs(model, work.validation).argmax(axis=1)) > 0.97
