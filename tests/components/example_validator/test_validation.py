"""Anomalies as plain values name the feature, the kind and what is wrong."""

import pyarrow as pa
import tensorflow_data_validation as tfdv

from components import examples
from components.example_validator import validation
from components.schema_gen import inference
from components.statistics_gen import statistics
from components.statistics_gen.config import StatisticsConfig


def _statistics(directory, **columns):
    examples.write_split([pa.record_batch(columns)], directory)
    return statistics.compute(str(directory), StatisticsConfig())


def test_describes_each_anomaly(tmp_path):
    good = _statistics(tmp_path / "a", city=["x", "y"] * 9, n=pa.array(range(18)))
    schema = inference.infer([good])
    assert validation.describe(tfdv.validate_statistics(good, schema)) == []
    bad = _statistics(tmp_path / "b", city=["x", "z"] * 9, n=["one"] * 18)
    found = validation.describe(tfdv.validate_statistics(bad, schema))
    assert {(entry["feature"], entry["kind"]) for entry in found} == {
        ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        ("n", "UNEXPECTED_DATA_TYPE"),
    }
    assert any("z" in entry["description"] for entry in found)


def test_a_column_that_is_gone(tmp_path):
    schema = inference.infer([_statistics(tmp_path / "a", x=["1"] * 9, y=["2"] * 9)])
    found = validation.describe(
        tfdv.validate_statistics(_statistics(tmp_path / "b", x=["1"] * 9), schema)
    )
    assert [(entry["feature"], entry["kind"]) for entry in found] == [
        ("y", "SCHEMA_MISSING_COLUMN")
    ]
