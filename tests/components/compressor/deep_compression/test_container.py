"""The container: a model comes back to the last bit, and bad files are told apart."""

import numpy as np
import pytest
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st

from components.compressor.deep_compression import description, layout
from components.compressor.deep_compression.container import decode, encode
from components.errors import InputError
from components.models import architectures, image_architectures
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.transformed import ImageFeature

IMAGE = ImageFeature(height=28, width=28, channels=1, mean=(33.0,), deviation=(79.0,))


def dense(rows, units):
    return tf_keras.Sequential([tf_keras.Input((rows,)), tf_keras.layers.Dense(units, name="d")])


def lenet(name):
    return image_architectures.build(ImageHyperParameters(architecture=name), IMAGE, outputs=10)


def assert_same(found, model):
    for a, b in zip(found.get_weights(), model.get_weights(), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    assert [layer.name for layer in found.layers] == [layer.name for layer in model.layers]


def compressed(model, share, values, seed=0):
    """Give kernels so many values, and so many zeros; biases are zero."""
    random = np.random.default_rng(seed)
    weights = []
    for weight in model.get_weights():
        book = random.normal(size=values).astype(np.float16).astype(np.float32)
        drawn = book[random.integers(0, values, weight.shape)]
        mask = random.random(weight.shape) < share
        weights.append(np.where(mask, drawn, np.float32(0)) if weight.ndim > 1 else 0 * weight)
    model.set_weights(weights)
    return model


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    st.sampled_from(["one", "few", "distinct", "patterns"]),
    st.integers(0, 2**32 - 1),
)
def test_any_weights_come_back(rows, units, zeros, kind, seed):
    random = np.random.default_rng(seed)
    model, weights = _MODELS.setdefault((rows, units), dense(rows, units)), []
    for shape in ((rows, units), (units,)):
        if kind == "patterns":  # infinities, not-a-numbers, negative zeros, tiny numbers
            special = np.array([0, 1, 1 << 31, 0x7F800000, 0xFF800001, 0x7FC00000], np.uint32)
            drawn = special[random.integers(0, len(special), shape)].view(np.float32)
        elif kind == "distinct":
            drawn = random.normal(size=shape).astype(np.float32)
        else:
            book = random.normal(size=1 if kind == "one" else 4).astype(np.float32)
            drawn = book[random.integers(0, len(book), shape)]
        weights.append(np.where(random.random(shape) < zeros, np.float32(0), drawn))
    model.set_weights(weights)
    data = encode(model)
    assert encode(model) == data
    assert_same(decode(data), model)


_MODELS = {}


@pytest.mark.parametrize("name", ["lenet300", "lenet5"])
def test_a_sparse_model_takes_less_than_its_entropy_coded_apart(name):
    model = compressed(lenet(name), 0.01, 6)
    data = encode(model)
    information = 0.0
    for weight in model.get_weights():
        ones = np.count_nonzero(weight)
        counts = np.array([ones, weight.size - ones, *([ones / 6] * 6)])
        if ones:
            shares = np.concatenate([counts[:2] / weight.size, [1 / 6] * 6])
            information -= counts @ np.log2(shares)
    assert 8 * len(data) <= 1.05 * information + 8 * 200
    decoded = decode(data)
    assert_same(decoded, model)
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1)).astype(np.float32)
    assert decoded(images).numpy().tobytes() == model(images).numpy().tobytes()


def test_dense_weights_take_no_more_than_their_own_bytes():
    model = lenet("lenet300")
    assert len(encode(model)) < 4 * model.count_params()
    # Half precision; adding zero makes an end of negative zeros.
    model.set_weights([w.astype(np.float16).astype(np.float32) + 0 for w in model.get_weights()])
    data = encode(model)
    assert len(data) < 2 * model.count_params() + 200
    assert_same(decode(data), model)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("architecture", ["wide_and_deep", "residual", "cross", "linear"])
def test_tabular_models(architecture, normalization):
    hp = HyperParameters(architecture=architecture, normalization=normalization, dropout=0.1)
    model = architectures.build(hp, numeric=("a", "b"), vocabulary_sizes=(7, 9), outputs=3)
    decoded = decode(encode(model))
    assert_same(decoded, model)
    rows = {"numeric": np.ones((4, 2), np.float32), "categorical": np.full((4, 2), 3, np.int64)}
    assert decoded(rows).numpy().tobytes() == model(rows).numpy().tobytes()


@pytest.mark.parametrize("cell", ["plain", "residual", "depthwise"])
def test_convolutional_models(cell):
    hp = ImageHyperParameters(architecture="cnn", cell=cell, stages=2, filters=4)
    model = image_architectures.build(hp, IMAGE, outputs=3)
    assert_same(decode(encode(model)), model)


def test_weights_that_are_no_single_precision():
    entries = tf_keras.Input((3,), dtype="float64")
    outputs = tf_keras.layers.Dense(2, dtype="float64")(entries)
    model = tf_keras.Model(entries, outputs)
    assert_same(decode(encode(model)), model)


def test_the_layers_of_lenet_5_take_little():
    assert len(description.pack(lenet("lenet5"))) <= 120


def test_a_dense_layer_has_the_axes_of_the_image_before_it():
    shapes = {slot.variable.name: slot.shape for slot in layout.slots(lenet("lenet5"))}
    assert shapes["convolution_1/kernel:0"] == (5, 5, 20, 50)
    assert shapes["hidden/kernel:0"] == (4, 4, 50, 500)
    assert shapes["outputs/kernel:0"] == (1, 1, 500, 10)
    assert shapes["outputs/bias:0"] == (1, 1, 1, 10)


def test_channels_are_the_units_of_the_layer_before():
    slots = layout.slots(lenet("lenet5"))
    names = [slot.variable.name for slot in slots]
    linked = {
        names[i]: names[slot.channels_of]
        for i, slot in enumerate(slots)
        if slot.channels_of is not None
    }
    assert linked == {
        "convolution_1/kernel:0": "convolution_0/kernel:0",
        "hidden/kernel:0": "convolution_1/kernel:0",
        "outputs/kernel:0": "hidden/kernel:0",
    }


@pytest.fixture(scope="module")
def data():
    return encode(compressed(dense(20, 10), 0.2, 4))


def test_any_damaged_byte_is_found(data):
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(InputError):
            decode(bytes(damaged))


@pytest.mark.parametrize("length", [0, 3, 4, 5, 8, 9, 12, -1])
def test_a_file_that_is_cut_off(data, length):
    with pytest.raises(InputError, match=r"damaged|does not hold"):
        decode(data[:length])


def test_a_foreign_file_and_another_version(data):
    with pytest.raises(InputError, match="does not hold a compressed model"):
        decode(b"\x89HDF\r\n\x1a\n" + data)
    with pytest.raises(InputError, match="another version") as caught:
        decode(data[:4] + b"\x07" + data[5:])
    assert "version 7" in str(caught.value)


def test_code_is_refused():
    model = tf_keras.Sequential(
        [tf_keras.Input((2,)), tf_keras.layers.Lambda(lambda x: x, name="own")]
    )
    with pytest.raises(InputError, match="function") as caught:
        encode(model)
    assert "own" in str(caught.value)


def test_a_model_without_a_description_is_refused():
    class Own(tf_keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(InputError, match="no description"):
        encode(Own())
