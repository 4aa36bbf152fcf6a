from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from ai_edge_litert.interpreter import Interpreter

from components.compressor import flatbuffer
from components.compressor.tflite_reading import read


@functools.cache
def converted(quantized: bool = False) -> bytes:
    """Return the converter's own file of a small convolutional network."""
    tf_keras.utils.set_random_seed(3)
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(3),
        ]
    )
    function = tf.function(lambda image: {"outputs": model(image)}).get_concrete_function(
        tf.TensorSpec([None, 8, 8, 1], name="image")
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: [{"image": images()}]
    return converter.convert()


def images(rows: int = 20) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, 8, 8, 1)).astype(np.float32)


def answers(content: bytes, rows: int = 20) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    [signature] = interpreter.get_signature_list()
    return interpreter.get_signature_runner(signature)(image=images(rows))["outputs"]


@pytest.mark.parametrize("quantized", [False, True])
def test_a_slim_file_answers_bit_for_bit(quantized):
    slim = flatbuffer.slim(converted(quantized))
    for rows in (1, 20):
        np.testing.assert_array_equal(answers(slim, rows), answers(converted(quantized), rows))


@pytest.mark.parametrize("quantized", [False, True])
def test_a_slim_file_is_smaller_and_holds_the_same_weights(quantized):
    content = converted(quantized)
    slim = flatbuffer.slim(content)
    assert len(slim) < len(content) - 900
    assert read(slim).weights == read(content).weights
    assert read(slim).operations == read(content).operations


def test_what_no_runtime_reads_is_gone():
    model = flatbuffer.read(flatbuffer.slim(converted()))
    assert not model.metadata
    assert not model.description
    names = {each.name for each in model.subgraphs[0].tensors if each.name}
    assert names == {b"image", b"outputs"}
    contents = [bytes(each.data) for each in model.buffers if each.data is not None]
    assert len(contents) == len(set(contents))
    assert len(model.buffers) == len(contents) + 1


def test_names_and_free_sizes_of_inputs_and_outputs_remain():
    interpreter = tf.lite.Interpreter(model_content=flatbuffer.slim(converted(), "renamed"))
    [image] = interpreter.get_input_details()
    assert image["name"] == "image"
    assert image["shape_signature"].tolist() == [-1, 8, 8, 1]
    assert interpreter.get_signature_list() == {
        "renamed": {"inputs": ["image"], "outputs": ["outputs"]}
    }


def test_constants_lie_where_the_schema_wants_them():
    slim = flatbuffer.slim(converted())
    weights = max(
        (bytes(each.data) for each in flatbuffer.read(slim).buffers if each.data is not None),
        key=len,
    )
    assert slim.index(weights) % 16 == 0


def test_slim_files_cannot_be_slimmed_further():
    slim = flatbuffer.slim(converted())
    assert len(flatbuffer.slim(slim)) == len(slim)


def test_several_signatures_are_refused():
    model = flatbuffer.read(converted())
    model.signatureDefs = model.signatureDefs * 2
    with pytest.raises(ValueError, match="one signature"):
        flatbuffer.write(model)
