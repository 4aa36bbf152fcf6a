from __future__ import annotations

import numpy as np
import pytest

from components.compressor import conversion
from components.compressor.recipes.base import CONVERT, Draft
from components.compressor.recipes.post_training import RECIPES
from components.compressor.tflite_reading import read
from tests.components.compressor import models

DTYPES = {
    "dynamic_range": {"int8", "float32"},  # a table of embeddings
    "float16": {"float16"},
    "int8": {"int8"},
    "int16x8": {"int8", "int16"},
}


@pytest.mark.parametrize("name", RECIPES)
def test_the_file_keeps_weights_as_it_is_named(name):
    model, work = models.tabular("mlp", hidden_units=(64, 32), embedding_dim=4, epochs=0)
    draft = RECIPES[name].apply(Draft(model), work)
    assert draft.conversion == name
    assert draft.steps == (name,)
    found = {each.dtype for each in read(conversion.convert(draft, work)).weights}
    assert found == DTYPES[name]


@pytest.mark.parametrize("name", RECIPES)
def test_files_are_smaller_than_the_float_one(name):
    model, work = models.tabular("mlp", hidden_units=(128, 128), epochs=0)
    whole = len(conversion.convert(Draft(model), work))
    small = len(conversion.convert(RECIPES[name].apply(Draft(model), work), work))
    assert small < (0.65 if name == "float16" else 0.45) * whole


@pytest.mark.parametrize("name", RECIPES)
def test_the_model_is_left_as_it_was(name):
    model, work = models.tabular(epochs=0)
    before = model.get_weights()
    draft = RECIPES[name].apply(Draft(model), work)
    assert draft.model is model
    conversion.convert(draft, work)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_they_come_last():
    assert {recipe.stage for recipe in RECIPES.values()} == {CONVERT}
