from __future__ import annotations

import numpy as np
import pytest

from components.compressor import conversion
from components.compressor.recipes.base import Draft, copy_model
from components.compressor.tflite_reading import read
from tests.components.compressor import models


def test_weights_are_read_as_they_are():
    model, work = models.tabular("mlp")
    found = read(conversion.convert(Draft(model), work)).weights
    assert [each.name for each in found] == [
        "gather_0",
        "fully_connected_0",
        "fully_connected_1",
        "fully_connected_2",
    ]
    # A matrix is [outputs, inputs] there; that of two classes has a row of zeros more.
    assert [each.shape for each in found] == [(14, 4), (24, 12), (12, 24), (2, 12)]
    assert [each.dtype for each in found] == ["float32"] * 4
    assert [each.scales for each in found] == [0] * 4
    assert found[1].unique == len(np.unique(model.get_layer("hidden_0").kernel.numpy()))
    assert found[3].zeros == 0.5


@pytest.mark.parametrize("name", ["float32", "float16", "int8", "int16x8"])
def test_zeros_and_distinct_values_of_kernels_are_counted_in_the_file(name):
    model, work = models.tabular("mlp")
    model = copy_model(model)
    kernel = model.get_layer("hidden_0").kernel
    values = np.random.default_rng(0).choice([0.0, 0.0, 0.0, -0.5, 0.25, 1.0], kernel.shape)
    kernel.assign(values)
    [found] = [
        each
        for each in read(conversion.convert(Draft(model, (), name), work)).weights
        if each.name == "fully_connected_0"
    ]
    assert found.zeros == np.mean(values == 0)
    assert found.unique == found.unique_of_channel == 3


def test_totals_are_sums_over_the_weights():
    model, work = models.tabular("mlp")
    reading = read(conversion.convert(Draft(model, (), "int8"), work))
    assert reading.parameters == sum(each.size for each in reading.weights)
    assert reading.unique == sum(each.unique for each in reading.weights)
    zeros = sum(each.zeros * each.size for each in reading.weights)
    assert reading.sparsity == pytest.approx(zeros / reading.parameters)
    assert reading.bytes == len(conversion.convert(Draft(model, (), "int8"), work))


def test_a_convolution_with_many_scales_has_as_many_channels():
    model, work = models.images("cnn")
    first = read(conversion.convert(Draft(model, (), "int8"), work)).weights[0]
    assert first.name == "conv_2d_0"
    assert first.shape == (8, 3, 3, 1)
    assert first.scales == 8
    assert first.unique_of_channel <= 9
