"""Structured pruning: what is left is exactly the network whose removed channels nobody reads."""

import numpy as np
import pytest
import tf_keras

from components.compressor import channels
from components.compressor.config import StructuredPruningConfig
from components.compressor.recipes import structured_pruning
from components.compressor.recipes.base import REMOVE, Draft, copy_model
from components.errors import InputError
from components.models import scores
from components.models.transformed import LABEL
from tests.components.compressor import models

NAME = "structured_pruning"
#: Networks, and the width of each layer with half of the channels.
NETWORKS = {
    "wide and deep": (
        models.tabular,
        {"numeric": "standardized", "max_categories": 5, "dropout": 0.1},
        {"embedding": 2, "hidden_0": 12, "hidden_1": 6, "deep": 1, "linear_categorical": 1},
    ),
    "regression": (models.tabular, {"architecture": "mlp", "task": "regression"}, {"hidden_0": 12}),
    "residual": (
        models.tabular,
        {"architecture": "residual", "normalization": "batch", "hidden_units": (24, 24, 10)},
        {"projection_0": 12, "residual_0": 12, "hidden_1": 12, "residual_2": 5, "norm_2": 5},
    ),
    # The numbers that the model is given stay: 4, and 2 of 4 dimensions for each category.
    "cross": (
        models.tabular,
        {"architecture": "cross", "task": "multiclass"},
        {"embedding": 2, "cross_weights_0": 8, "cross_1": 8, "hidden_1": 6, "deep": 3},
    ),
    "plain cells": (
        models.images,
        {"cell": "plain"},
        {"stem": 4, "stage_0_0_1_norm": 4, "stage_1_0_1": 8, "outputs": 10},
    ),
    "residual cells": (
        models.images,
        {"cell": "residual", "cells": 2},
        {"stem": 4, "stage_0_1_0": 4, "stage_1_0_shortcut": 8, "stage_1_1_1": 8, "outputs": 10},
    ),
    "depthwise cells": (
        models.images,
        {"cell": "depthwise", "filters": 12, "normalization": "none"},
        {"stem": 6, "stage_0_0_depthwise": 6, "stage_1_0_point": 12, "outputs": 10},
    ),
    "LeNet-300-100": (models.images, {"architecture": "lenet300"}, {"hidden_0": 150}),
    "LeNet-5": (
        models.images,
        {"architecture": "lenet5", "side": 16},
        {"convolution_0": 10, "convolution_1": 25, "flat": 25, "hidden": 250, "outputs": 10},
    ),
}


def unread(model, found, gone):
    """Return a copy of a model in which the rows that read some channels are zeros."""
    copy = copy_model(model)
    for layer in copy.layers:
        if type(layer) in structured_pruning.READERS and layer.name in found.into:
            kernel, *bias = layer.get_weights()
            rows = [i for i, number in enumerate(found.into[layer.name]) if int(number) in gone]
            kernel[..., rows, :] = 0
            layer.set_weights([kernel, *bias])
    return copy


def with_random_weights(model):
    """Return the model with other weights than a training begins with: those hold many zeros."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        change = random.uniform(0.1, 0.3, weight.shape)
        if "variance" not in weight.name:  # which stays positive
            change *= random.choice([-1, 1], weight.shape)
        weight.assign(weight.numpy() + change)
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_removed_is_what_nobody_reads(name):
    make, arguments, widths = NETWORKS[name]
    model, work = make(**arguments, epochs=0)
    with_random_weights(model)
    copy = copy_model(model)
    found = channels.find(copy, NAME)
    matters = np.random.default_rng(0).random(10_000)
    gone = structured_pruning.choose(found, matters, 0.5)
    smaller = structured_pruning.without(copy, found, gone)
    for layer, width in widths.items():
        assert smaller.get_layer(layer).output_shape[-1] == width, layer
    assert smaller.count_params() < 0.6 * model.count_params()
    np.testing.assert_allclose(
        models.outputs(smaller, work.validation),
        models.outputs(unread(model, found, gone), work.validation),
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize("name", ["wide and deep", "residual", "depthwise cells"])
def test_the_recipe_leaves_its_model_alone_and_returns_a_smaller_one(name):
    make, arguments, widths = NETWORKS[name]
    recipes = models.RECIPES.model_copy(
        update={"structured_pruning": StructuredPruningConfig(share=0.5)}
    )
    model, work = make(**arguments, recipes=recipes)
    before = model.get_weights()
    draft = structured_pruning.RECIPE.apply(Draft(model), work)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert draft.steps == (NAME,)
    assert draft.model.input_names == model.input_names
    assert models.outputs(draft.model, work.validation).shape == (
        len(work.validation[LABEL]),
        model.output_shape[-1],
    )
    for layer, width in widths.items():
        assert draft.model.get_layer(layer).output_shape[-1] == width


def test_importance_is_the_squared_slope_along_what_reads_a_channel():
    model, work = models.tabular("residual", normalization="batch")
    rows = 50  # one batch
    work.train.update({name: values[:rows] for name, values in work.train.items()})
    found = channels.find(model, NAME)
    matters = structured_pruning.importance(model, found, work)
    loss = scores.loss("binary")
    step = 0.02

    def at(scale, number):
        other = copy_model(model)
        for layer in other.layers:
            if type(layer) in structured_pruning.READERS:
                kernel, *bias = layer.get_weights()
                kernel[found.into[layer.name] == number] *= scale
                layer.set_weights([kernel, *bias])
        return float(loss(work.train[LABEL][:, np.newaxis], models.outputs(other, work.train)))

    numbers = {int(found.out_of[name][3]) for name in ("embedding", "block_0", "hidden_1")}
    assert len(numbers) == 3
    for number in numbers:
        slope = (at(1 + step, number) - at(1 - step, number)) / (2 * step)
        assert matters[number] == pytest.approx(slope**2, rel=0.02, abs=1e-9)


def test_what_matters_least_goes():
    model, work = models.images("lenet300")
    kernel, bias = model.get_layer("hidden_1").get_weights()
    dead = np.arange(0, 300, 10)
    kernel[dead] = 0
    model.get_layer("hidden_1").set_weights([kernel, bias])
    found = channels.find(copy_model(model), NAME)
    gone = structured_pruning.choose(
        found, structured_pruning.importance(model, found, work), share=0.5
    )
    assert set(found.out_of["hidden_0"][dead].tolist()) <= gone


def test_a_choice_by_importance_costs_less_than_others():
    model, work = models.tabular(epochs=20)
    found = channels.find(model, NAME)
    matters = structured_pruning.importance(model, found, work)

    def loss_after(order):
        gone = structured_pruning.choose(found, order, share=0.5)
        said = models.outputs(structured_pruning.without(model, found, gone), work.validation)
        return float(scores.loss("binary")(work.validation[LABEL][:, np.newaxis], said))

    random = np.random.default_rng(0)
    others = [loss_after(random.permutation(len(matters)).astype(float)) for _ in range(5)]
    assert loss_after(matters) < min(others)
    assert np.mean(others) < loss_after(-matters)


def test_the_share_is_rounded_down_and_one_always_stays():
    model, _ = models.tabular("mlp", hidden_units=(5, 1), epochs=0)
    found = channels.find(model, NAME)
    matters = np.arange(1000.0)
    for share, left in ((0.1, 5), (0.39, 4), (0.99, 1)):
        smaller = structured_pruning.without(
            model, found, structured_pruning.choose(found, matters, share)
        )
        assert smaller.get_layer("hidden_0").units == left
        assert smaller.get_layer("hidden_1").units == 1


def test_channels_around_an_unknown_layer_stay_and_others_go():
    _, work = models.images(epochs=0)
    pixels = tf_keras.Input((8, 8, 1), name="image")
    x = tf_keras.layers.Conv2D(6, 3, name="before")(pixels)
    x = tf_keras.layers.SeparableConv2D(4, 3, name="unknown")(x)
    x = tf_keras.layers.Flatten()(x)
    x = tf_keras.layers.Dense(8, name="free")(x)
    model = tf_keras.Model({"image": pixels}, tf_keras.layers.Dense(10)(x))
    smaller = structured_pruning.RECIPE.apply(Draft(model), work).model
    widths = [smaller.get_layer(name).output_shape[-1] for name in ("before", "unknown", "free")]
    assert widths == [6, 4, 4]


def test_a_model_of_which_nothing_can_go_is_refused():
    model, work = models.tabular("linear", epochs=0)
    with pytest.raises(InputError, match=NAME):
        structured_pruning.RECIPE.apply(Draft(model), work)


def test_a_layer_at_two_places_is_refused_by_name():
    _, work = models.tabular(epochs=0)
    inputs = tf_keras.Input((4,), name="numeric")
    twice = tf_keras.layers.Dense(4, name="twice")
    model = tf_keras.Model({"numeric": inputs}, twice(twice(inputs)))
    with pytest.raises(InputError, match="'twice'"):
        structured_pruning.RECIPE.apply(Draft(model), work)


def test_it_comes_first():
    assert structured_pruning.RECIPE.stage == REMOVE
