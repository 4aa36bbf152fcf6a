"""The fields of a form are what the schema and the statistics say of the features."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.errors import InputError
from pipeline.ui.what_if import fields
from tests.pipeline.ui.what_if.made import SCHEMA, materials

STATISTICS = """
datasets { name: "train"
  features { type: FLOAT path { step: "x" } num_stats { min: -9 max: 9.5
    histograms { type: STANDARD buckets { low_value: -9 high_value: 9.5 } }
    histograms { type: QUANTILES buckets { low_value: -9 high_value: -2 }
      buckets { low_value: -2 high_value: 3 } buckets { low_value: 3 high_value: 9.5 } } } }
  features { type: STRING path { step: "group" } string_stats { rank_histogram {
    buckets { label: "b" sample_count: 9 } buckets { label: "a" sample_count: 4 } } } }
}
datasets { name: "elsewhere" features { path { step: "x" } num_stats { min: 0 max: 0 } } }
"""


@pytest.fixture
def found(tmp_path):
    schema, statistics = tmp_path / "schema.pbtxt", tmp_path / "FeatureStats.pb"
    schema.write_text(SCHEMA)
    message = text_format.Parse(STATISTICS, statistics_pb2.DatasetFeatureStatisticsList())
    statistics.write_bytes(message.SerializeToString())
    made = materials(schema=str(schema), statistics=str(statistics))
    return {field.name: field for field in fields.of(made)}


def test_each_feature_has_a_field_of_its_kind_in_the_order_of_the_data(found):
    assert {name: field.kind for name, field in found.items()} == {
        "x": "number",
        "rooms": "integer",
        "zone": "code",
        "seen": "time",
        "member": "boolean",
        "group": "category",
    }


def test_ranges_are_those_of_the_train_split(found):
    assert found["x"].usual == (-2, 3)
    assert found["x"].range == (-9, 9.5)
    assert found["rooms"].usual is None


def test_values_are_offered_the_most_frequent_first(found):
    # What was seen, and then what the schema allows besides.
    assert found["group"].values == ("b", "a", "c")
    assert found["zone"].values == (1, 2, 3)


def test_only_a_feature_of_a_fixed_shape_is_required(found):
    assert [name for name, field in found.items() if field.required] == ["rooms"]


def test_without_statistics_there_are_fields_all_the_same(tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text(SCHEMA)
    found = fields.of(materials(schema=str(schema)))
    assert [field.usual for field in found] == [None] * 6


def test_a_schema_that_cannot_be_read_is_named(tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("feature {")
    with pytest.raises(InputError, match="schema cannot be read") as caught:
        fields.of(materials(schema=str(schema)))
    assert caught.value.details["file"] == str(schema)


def test_a_feature_that_the_schema_lacks_is_named(tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text('feature { name: "x" type: FLOAT }')
    with pytest.raises(InputError) as caught:
        fields.of(materials(schema=str(schema)))
    assert caught.value.details["column"] == "rooms"


def test_statistics_that_cannot_be_read_are_named(tmp_path):
    schema, statistics = tmp_path / "schema.pbtxt", tmp_path / "FeatureStats.pb"
    schema.write_text(SCHEMA)
    statistics.write_bytes(b"\xff\xff\xff")
    with pytest.raises(InputError, match="statistics cannot be read"):
        fields.of(materials(schema=str(schema), statistics=str(statistics)))
