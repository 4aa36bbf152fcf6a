"""Transform on images: pixels out of files, on both engines."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components import examples
from components.models.transformed import Features, load_arrays
from components.transform.component import Transform
from components.transform.config import TransformConfig
from components.transform.executor import Executor

SPLITS = {"train": 20, "eval": 7}
DEFAULT = TransformConfig()
SCHEMA = """
feature { name: "image" type: BYTES presence { min_fraction: 1 min_count: 1 } shape {}
          image_domain {} }
feature { name: "image_mean" type: FLOAT presence { min_fraction: 1 min_count: 1 } }
feature { name: "label" type: BYTES presence { min_fraction: 1 min_count: 1 }
          value_count { min: 1 max: 1 } }
"""


def encode(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, kind)
    return buffer.getvalue()


def run(directory: Path, encoded, engine, image, config=DEFAULT):
    raw, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    raw.uri, schema.uri = str(directory / "raw"), str(directory / "schema")
    raw.split_names = artifact_utils.encode_split_names(list(SPLITS))
    (directory / "schema").mkdir(parents=True)
    (directory / "schema/schema.pbtxt").write_text(SCHEMA)
    for split, data in encoded.items():
        batch = pa.record_batch(
            {
                "image": pa.array(data, pa.large_binary()),
                "image_mean": pa.array([0.5] * len(data), pa.float32()),
                "label": pa.array(["ab"[i % 2] for i in range(len(data))]),
            }
        )
        examples.write_split([batch], directory / f"raw/Split-{split}")
    outputs = {}
    for name, kind in (
        ("transform_graph", standard_artifacts.TransformGraph),
        ("transformed_examples", standard_artifacts.Examples),
    ):
        outputs[name] = [kind()]
        outputs[name][0].uri = str(directory / name)
    dataset = {
        "label": "label",
        "task": "binary",
        "classes": ["a", "b"],
        "columns": [
            {"name": "image", "kind": "image"},
            {"name": "image_mean", "kind": "numeric"},
            {"name": "label", "kind": "categorical"},
        ],
        "image": image,
    }
    inputs = {"examples": [raw], "schema": [schema]}
    component = Transform(
        config,
        engine,
        dataset=json.dumps(dataset),
        **{name: channel_utils.as_channel(a) for name, a in inputs.items()},
    )
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=[], tmp_dir=str(directory / "tmp"), unique_id="1"
    )
    Executor(context).Do(inputs, outputs, component.exec_properties)
    features = Features.read(directory / "transform_graph")
    arrays = {
        split: load_arrays(directory / f"transformed_examples/Split-{split}", features)
        for split in SPLITS
    }
    return features, arrays


def size(height, width, channels, resize=False):
    return {"height": height, "width": width, "channels": channels, "resize": resize}


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_those_of_the_files(tmp_path, channels):
    generator = np.random.default_rng(1)
    pixels = {
        split: generator.integers(0, 256, (rows, 6, 5, channels), np.uint8)
        for split, rows in SPLITS.items()
    }
    encoded = {split: [encode(image) for image in images] for split, images in pixels.items()}
    found = {}
    for engine in ("memory", "beam"):
        found[engine] = run(tmp_path / engine, encoded, engine, size(6, 5, channels))
        features, arrays = found[engine]
        for split, images in pixels.items():
            assert arrays[split]["image"].dtype == np.uint8
            np.testing.assert_array_equal(arrays[split]["image"], images)
            assert arrays[split]["label"].tolist() == [i % 2 for i in range(len(images))]
    assert found["memory"][0] == found["beam"][0]
    assert features.image.shape == (6, 5, channels)
    train = pixels["train"].reshape(-1, channels)
    np.testing.assert_allclose(features.image.mean, train.mean(axis=0))
    np.testing.assert_allclose(features.image.deviation, train.std(axis=0))
    # A row is one value: its bytes.
    [batch] = examples.read_split(tmp_path / "memory/transformed_examples/Split-eval")
    assert [len(value[0]) for value in batch.column("image").to_pylist()] == [30 * channels] * 7
    # What is asked of a caller is the image alone.
    graph = tft.TFTransformOutput(str(tmp_path / "memory/transform_graph"))
    assert set(graph.raw_feature_spec()) == {"image", "label"}


def test_images_of_all_kinds_are_resized(tmp_path):
    gradient = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[:, None, None], (64, 40, 3))
    files = [encode(gradient), encode(gradient, "JPEG"), encode(gradient[:, :, :1], "JPEG")]
    encoded = {split: (files * 7)[:rows] for split, rows in SPLITS.items()}
    _, arrays = run(tmp_path, encoded, "memory", size(8, 4, 3, resize=True))
    images = arrays["train"]["image"]
    assert images.shape == (20, 8, 4, 3)
    wanted = gradient.reshape(8, 8, 4, 10, 3).mean(axis=(1, 3))
    assert np.abs(images[:3] - wanted).max() <= 12  # the filter is wider than a block at the edge
    assert np.abs(images[:3, 1:-1] - wanted[1:-1]).max() <= 2


def test_another_size_is_an_error_where_nothing_is_resized(tmp_path):
    encoded = {s: [encode(np.zeros((6, 5, 1), np.uint8))] * n for s, n in SPLITS.items()}
    encoded["eval"][3] = encode(np.zeros((6, 6, 1), np.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[6,6,1\].*\[6,5,1\]"):
        run(tmp_path, encoded, "memory", size(6, 5, 1))


def test_one_colour_has_a_deviation_that_divides(tmp_path):
    encoded = {s: [encode(np.full((6, 5, 1), 9, np.uint8))] * n for s, n in SPLITS.items()}
    features, _ = run(tmp_path, encoded, "memory", size(6, 5, 1))
    assert (features.image.mean, features.image.deviation) == ((9.0,), (1.0,))


def brightness(inputs):
    """Return the number of bytes of each image, as an own preprocessing function would."""
    length = tf.strings.length(tf.reshape(inputs["image"], [-1]))
    return {"numeric": tft.scale_to_z_score(tf.cast(length, tf.float32)[:, tf.newaxis])}


def test_an_own_function_takes_the_encoded_image(tmp_path):
    generator = np.random.default_rng(1)
    encoded = {
        split: [encode(generator.integers(0, 1 + 12 * i, (6, 5, 1), np.uint8)) for i in range(rows)]
        for split, rows in SPLITS.items()
    }
    config = TransformConfig(preprocessing_fn=f"{__name__}.brightness")
    features, arrays = run(tmp_path, encoded, "memory", size(6, 5, 1), config)
    assert features.image is None
    assert arrays["train"]["numeric"].shape == (20, 1)
