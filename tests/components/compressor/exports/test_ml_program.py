"""Operations of Core ML programs, computed by hand or by TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from components.compressor.exports.ml_program import OPERATIONS, UnknownOperationError

RANDOM = np.random.default_rng(0)


def _places_last(x):
    return np.transpose(x, (0, 2, 3, 1))


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("size", [(7, 8), (6, 5)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad_type", ["same", "valid"])
def test_convolutions_are_those_of_tensorflow(pad_type, stride, size, groups):
    x = RANDOM.normal(size=(1, 4, *size)).astype(np.float32)
    weight = RANDOM.normal(size=(4, 4 // groups, 3, 2)).astype(np.float32)
    bias = RANDOM.normal(size=4).astype(np.float32)
    found = OPERATIONS["conv"](
        x=x,
        weight=weight,
        bias=bias,
        strides=(stride, stride),
        pad_type=pad_type,
        pad=(0, 0, 0, 0),
        dilations=(1, 1),
        groups=groups,
    )
    if groups == 1:
        wanted = tf.nn.conv2d(
            _places_last(x), weight.transpose(2, 3, 1, 0), stride, pad_type.upper()
        )
    else:
        wanted = tf.nn.depthwise_conv2d(
            _places_last(x), weight.transpose(2, 3, 0, 1), [1, stride, stride, 1], pad_type.upper()
        )
    np.testing.assert_allclose(_places_last(found), wanted + bias, atol=1e-5)


@pytest.mark.parametrize("pad_type", ["same", "valid"])
def test_maxima_are_those_of_tensorflow(pad_type):
    x = RANDOM.normal(size=(1, 3, 7, 6)).astype(np.float32)
    found = OPERATIONS["max_pool"](
        x=x,
        kernel_sizes=(3, 2),
        strides=(2, 2),
        pad_type=pad_type,
        pad=(0, 0, 0, 0),
        ceil_mode=False,
    )
    wanted = tf.nn.max_pool2d(_places_last(x), (3, 2), 2, pad_type.upper())
    np.testing.assert_array_equal(_places_last(found), wanted)


def test_padding_of_another_kind_is_refused():
    with pytest.raises(UnknownOperationError, match="same_lower"):
        OPERATIONS["max_pool"](np.zeros((1, 1, 4, 4)), (2, 2), (2, 2), "same_lower", (), False)


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("linear", {"x": [[1.0, 2.0]], "weight": [[3.0, 4.0]], "bias": [0.5]}, [[11.5]]),
        (
            "matmul",
            {"x": [[1.0, 2.0]], "y": [[3.0, 4.0]], "transpose_x": 0, "transpose_y": 1},
            [[11.0]],
        ),
        (
            "gather",
            {"x": [[1, 2], [3, 4]], "indices": [[1, 0]], "axis": 0, "batch_dims": 0},
            [[[3, 4], [1, 2]]],
        ),
        ("reshape", {"x": [[1, 2, 3, 4]], "shape": [0, -1, 2]}, [[[1, 2], [3, 4]]]),
        ("elu", {"x": [-np.log(2.0), 2.0], "alpha": 3.0}, [-1.5, 2.0]),
        ("silu", {"x": [0.0, 100.0]}, [0.0, 100.0]),
        ("softmax", {"x": [[0.0, np.log(3.0)]], "axis": -1}, [[0.25, 0.75]]),
        ("log", {"x": [0.0], "epsilon": 1.0}, [0.0]),
        ("rsqrt", {"x": [3.0], "epsilon": 1.0}, [0.5]),
        (
            "batch_norm",
            {
                "x": [[[[6.0]]]],
                "mean": [2.0],
                "variance": [3.0],
                "gamma": [3.0],
                "beta": [1.0],
                "epsilon": 1.0,
            },
            [[[[7.0]]]],
        ),
        ("clip", {"x": [-3.0, 0.5, 3.0], "alpha": -1.0, "beta": 1.0}, [-1.0, 0.5, 1.0]),
        ("select", {"cond": [True, False], "a": [1, 2], "b": [3, 4]}, [1, 4]),
        ("reduce_mean", {"x": [[1.0, 3.0]], "axes": [-1], "keep_dims": True}, [[2.0]]),
        ("reduce_sum", {"x": [[1.0, 3.0]], "axes": [0], "keep_dims": False}, [1.0, 3.0]),
        ("concat", {"values": [[[1]], [[2]]], "axis": 1, "interleave": False}, [[1, 2]]),
        ("cast", {"x": [1.9, -1.9], "dtype": "int32"}, [1, -1]),
        ("squeeze", {"x": [[[1, 2]]], "axes": [0]}, [[1, 2]]),
    ],
)
def test_operations_by_hand(name, arguments, wanted):
    given = {
        key: value
        if isinstance(value, str)
        else [np.array(each) for each in value]
        if key == "values"
        else np.array(value)
        for key, value in arguments.items()
    }
    np.testing.assert_allclose(OPERATIONS[name](**given), wanted, atol=1e-12)


def test_a_slice_leaves_out_what_its_masks_say():
    x = np.arange(12).reshape(1, 3, 4)
    found = OPERATIONS["slice_by_index"](
        x=x,
        begin=[0, 1, 2],
        end=[1, 3, 9],
        stride=[1, 1, 1],
        begin_mask=[True, False, False],
        end_mask=[True, False, True],
        squeeze_mask=[False, False, False],
    )
    np.testing.assert_array_equal(found, x[:, 1:3, 2:])
