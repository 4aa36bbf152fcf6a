"""Schemas: inferred from all splits, or curated and checked."""

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

import schemas
from components import examples
from components.errors import InputError
from components.schema_gen import curated, inference
from components.statistics_gen import statistics
from components.statistics_gen.config import StatisticsConfig

TAXI = f"{schemas.__path__[0]}/taxi.pbtxt"


def _statistics(tmp_path, name, **columns):
    directory = tmp_path / name
    examples.write_split([pa.record_batch(columns)], directory)
    return statistics.compute(str(directory), StatisticsConfig())


def _feature(schema, name):
    return next(feature for feature in schema.feature if feature.name == name)


@pytest.fixture
def splits(tmp_path):
    return [
        _statistics(
            tmp_path,
            "train",
            city=["a", "b"] * 20,
            zone=pa.array([1, 2] * 20),
            fare=pa.array([1.5] * 40, pa.float32()),
            y=pa.array([0, 1] * 20),
        ),
        _statistics(
            tmp_path,
            "test",
            city=["a", "rare"],
            zone=pa.array([1, 3]),
            fare=pa.array([None, 2.5], pa.float32()),
            y=pa.array([0, 1]),
        ),
    ]


def test_what_any_split_holds_is_no_anomaly(splits):
    schema = inference.infer(splits, categorical=["zone"], label="y")
    for found in splits:
        assert not tfdv.validate_statistics(found, schema).anomaly_info
    narrow = inference.infer(splits[:1])
    assert set(tfdv.validate_statistics(splits[1], narrow).anomaly_info) == {"city", "fare"}


def test_types_categories_and_the_labels_environment(splits):
    schema = inference.infer(splits, categorical=["zone"], label="y")
    assert _feature(schema, "city").type == schema_pb2.BYTES
    assert _feature(schema, "fare").type == schema_pb2.FLOAT
    assert _feature(schema, "zone").int_domain.is_categorical
    assert not _feature(schema, "y").int_domain.is_categorical
    assert list(_feature(schema, "y").not_in_environment) == [inference.SERVING]


def test_the_shipped_schema_can_be_read():
    schema = curated.load(TAXI)
    assert _feature(schema, "pickup_community_area").int_domain.is_categorical
    curated.check_columns(schema, [feature.name for feature in schema.feature], TAXI)


def test_a_column_that_the_schema_does_not_know(tmp_path):
    schema = curated.load(TAXI)
    columns = [feature.name for feature in schema.feature]
    with pytest.raises(InputError, match="not in the curated schema") as caught:
        curated.check_columns(schema, [*columns, "tips"], TAXI)
    assert caught.value.details["column"] == "tips"
    with pytest.raises(InputError, match="requires a column") as caught:
        curated.check_columns(schema, [c for c in columns if c != "fare"], TAXI)
    assert caught.value.details["column"] == "fare"


@pytest.mark.parametrize("content", [b"feature { nme: 1 }", b"\xff\xfe", None])
def test_a_file_that_is_no_schema(tmp_path, content):
    path = tmp_path / "schema.pbtxt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        curated.load(path)
    assert caught.value.details["setting"] == "schema.path"


def test_kinds_follow_the_types_that_leave_no_choice():
    kinds = curated.kinds(curated.load(TAXI))
    assert kinds["fare"] == "numeric"
    assert kinds["company"] == "categorical"
    assert "trip_start_hour" not in kinds
