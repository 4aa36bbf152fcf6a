"""On Beam rows have the values that they have without it."""

import functools

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.explainer.shapley import beam as on_beam
from components.explainer.shapley.config import ShapleyConfig

LOADED = []


def make_pipeline():
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))


def rows(count, seed):
    random = np.random.default_rng(seed)
    return {
        "fare": np.where(random.random(count) < 0.2, np.nan, random.normal(size=count)),
        "pay": random.choice(["card", "cash", ""], count).astype(object),
        "day": random.integers(0, 7, count).astype(np.float64),
        "hour": random.normal(size=count),
    }


def values(columns):
    fare = np.nan_to_num(columns["fare"])
    said = fare * (columns["pay"] == "card") + np.sin(columns["day"] * columns["hour"])
    return np.stack([said, -said], axis=1)


def load():
    LOADED.append(1)
    return values


def read(seed):
    yield rows(7, seed)
    yield rows(4, seed + 100)


def task(**settings):
    usual = rows(5, 9)
    return on_beam.Task(
        usual, {name: (name,) for name in usual}, ("yes", "no"), ShapleyConfig(**settings), 0
    )


@pytest.mark.parametrize("method", ["exact", "kriging"])
def test_values_are_those_of_each_row_by_itself(tmp_path, monkeypatch, method):
    monkeypatch.setattr(on_beam, "BLOCK_NUMBERS", 64)
    LOADED.clear()
    asked = task(method=method, coalitions=12)
    shards = [functools.partial(read, seed) for seed in (1, 2)]
    on_beam.write(asked, load, shards, tmp_path, make_pipeline)
    assert len(LOADED) == 1
    written = pa.concat_tables(pq.read_table(path) for path in tmp_path.iterdir())
    assert written.num_rows == 2 * 11 * 2
    found = {(line["shard"], line["row"], line["output"]): line for line in written.to_pylist()}
    for shard, seed in enumerate((1, 2)):
        first = 0
        for batch in read(seed):
            count = len(batch["pay"])
            for row in range(count):
                one = {name: column[[row]] for name, column in batch.items()}
                alone = asked.explain(values, one).values[0]
                for output, name in enumerate(asked.outputs):
                    line = found[shard, first + row, name]
                    there = [line[f"value:{feature}"] for feature in asked.groups]
                    assert there == pytest.approx(alone[:, output], abs=1e-9)
                    total = line["prediction"] - line["base"]
                    assert sum(there) == pytest.approx(total, abs=1e-9)
            first += count


def test_examples_are_read_as_raw_columns(tmp_path):
    columns = rows(5, 4)
    batch = pa.RecordBatch.from_pydict(
        {
            "fare": pa.array(columns["fare"].astype(np.float32), from_pandas=True),
            "pay": pa.array([text or None for text in columns["pay"]], pa.string()),
        }
    )
    examples.write_split([batch], tmp_path)
    schema = schema_pb2.Schema(
        feature=[
            schema_pb2.Feature(name="fare", type=schema_pb2.FLOAT),
            schema_pb2.Feature(name="pay", type=schema_pb2.BYTES),
        ]
    )
    for feature in schema.feature:
        feature.value_count.min, feature.value_count.max = 0, 1
    [shard] = on_beam.example_shards(tmp_path, schema)
    [found] = shard()
    assert found["fare"] == pytest.approx(columns["fare"], nan_ok=True, abs=1e-6)
    assert list(found["pay"]) == list(columns["pay"])
