"""What statistics, schema and validation make of images."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

import schemas
from components import examples
from components.example_validator import validation
from components.schema_gen import curated, images, inference
from components.statistics_gen import statistics
from components.statistics_gen.config import StatisticsConfig

COLUMNS = [
    {"name": "image", "kind": "image"},
    {"name": "image_height", "kind": "integer"},
    {"name": "image_width", "kind": "integer"},
    {"name": "image_channels", "kind": "integer"},
    {"name": "image_bytes", "kind": "integer"},
    {"name": "image_mean", "kind": "numeric"},
    {"name": "image_deviation", "kind": "numeric"},
    {"name": "label", "kind": "categorical"},
]


def measured(directory, rows=50, height=28, deviation=0.3, labels=("0", "1")):
    generator = np.random.default_rng(rows)
    spread = generator.uniform(0.5, 1.5, rows).astype(np.float32)
    batch = pa.record_batch(
        {
            "image": pa.array([b"\x89PNG\xff" + bytes(100)] * rows, pa.large_binary()),
            "image_height": pa.array([height] * rows),
            "image_width": pa.array([28] * rows),
            "image_channels": pa.array([1] * rows),
            "image_bytes": pa.array(generator.integers(100, 200, rows)),
            "image_mean": pa.array(spread * np.float32(deviation) / 2),
            "image_deviation": pa.array(spread * np.float32(deviation)),
            "label": pa.array([labels[i % len(labels)] for i in range(rows)]),
        }
    )
    examples.write_split([batch], directory)
    return statistics.compute(str(directory), StatisticsConfig(), ["image"])


def inferred(*found):
    schema = inference.infer(found, categorical=["label"], label="label")
    images.describe(schema, found, COLUMNS, "label")
    return schema


def anomalies(found, schema):
    rules = validation.of_statistics(schema)
    return {a["feature"] for a in validation.describe(tfdv.validate_statistics(found, rules))}


def test_statistics_leave_the_bytes_out(tmp_path):
    found = measured(tmp_path)
    names = {feature.path.step[0] for feature in found.datasets[0].features}
    assert names == {column["name"] for column in COLUMNS} - {"image"}


def test_the_image_is_dense_and_required(tmp_path):
    schema = inferred(measured(tmp_path))
    [feature] = [feature for feature in schema.feature if feature.name == "image"]
    assert feature.WhichOneof("domain_info") == "image_domain"
    assert feature.type == schema_pb2.BYTES
    assert schema_utils.schema_as_feature_spec(schema).feature_spec["image"].shape == []


def test_what_the_schema_came_from_has_no_anomalies(tmp_path):
    train, test = measured(tmp_path / "train"), measured(tmp_path / "test", rows=20)
    schema = inferred(train, test)
    assert anomalies(train, schema) == anomalies(test, schema) == set()


@pytest.mark.parametrize(
    ("change", "feature"),
    [
        ({"height": 32}, "image_height"),
        ({"deviation": 0.0}, "image_deviation"),
        ({"labels": ("0", "7")}, "label"),
    ],
)
def test_other_images_are_anomalies(tmp_path, change, feature):
    schema = inferred(measured(tmp_path / "train"))
    assert anomalies(measured(tmp_path / "later", **change), schema) == {feature}


def test_a_black_set_is_an_anomaly_and_some_blank_images_are_not(tmp_path):
    black = measured(tmp_path / "black", deviation=0.0)
    assert anomalies(black, inferred(black)) == {"image_deviation"}
    good = measured(tmp_path / "good")
    schema = inferred(good, measured(tmp_path / "few", rows=3, deviation=0.0))
    assert anomalies(good, schema) == set()


@pytest.mark.parametrize(("name", "size", "classes"), [("mnist", 28, 10), ("digits", 8, 10)])
def test_shipped_schemas_describe_images(name, size, classes):
    schema = curated.load(f"{schemas.__path__[0]}/{name}.pbtxt")
    features = {feature.name: feature for feature in schema.feature}
    assert set(features) == {column["name"] for column in COLUMNS}
    assert features["image_height"].int_domain.min == size
    assert "image" not in curated.kinds(schema)
    spec = schema_utils.schema_as_feature_spec(schema).feature_spec
    assert spec["image"].shape == []
