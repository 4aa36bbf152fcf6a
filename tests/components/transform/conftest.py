"""Small raw data with every kind of column, as shards in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components import examples

TYPES = {float: "FLOAT", int: "INT", str: "BYTES"}


def make_schema(types: dict[str, type], required: tuple[str, ...] = ()) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    for name, kind in types.items():
        feature = schema.feature.add(name=name)
        feature.type = schema_pb2.FeatureType.Value(TYPES[kind])
        if name in required:
            feature.presence.min_fraction = 1.0
            feature.value_count.min = feature.value_count.max = 1
    return schema


@dataclasses.dataclass(frozen=True)
class RowsShard:
    """A picklable shard over rows held in memory."""

    rows: tuple[dict[str, Any], ...]
    schema_text: str
    batch_rows: int

    def __call__(self) -> Iterator[pa.RecordBatch]:
        schema = text_format.Parse(self.schema_text, schema_pb2.Schema())
        decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
        arrow = {"FLOAT": pa.float32(), "INT": pa.int64(), "BYTES": pa.binary()}
        types = {f.name: arrow[schema_pb2.FeatureType.Name(f.type)] for f in schema.feature}
        for start in range(0, len(self.rows), self.batch_rows):
            rows = self.rows[start : start + self.batch_rows]
            flat = pa.RecordBatch.from_arrays(
                [
                    pa.array([_raw(row.get(name)) for row in rows], kind)
                    for name, kind in types.items()
                ],
                list(types),
            )
            yield decoder.DecodeBatch(examples.encode(flat))


def _raw(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def make_shards(
    rows: list[dict[str, Any]], schema: schema_pb2.Schema, batch_rows: int = 100, number: int = 1
) -> list[RowsShard]:
    size = max(1, -(-len(rows) // number))
    text = text_format.MessageToString(schema)
    return [
        RowsShard(tuple(rows[start : start + size]), text, batch_rows)
        for start in range(0, len(rows), size)
    ]


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    generator = np.random.default_rng(5)
    result = []
    for place in range(400):
        color = generator.choice(["red", "green", "blue", "grün", "old gold"])
        result.append(
            {
                "price": float(np.float32(generator.lognormal(3, 1))),
                "size": None if place % 7 == 0 else float(np.float32(generator.normal(10, 2))),
                "rooms": int(generator.integers(1, 9)),
                "color": None if place % 11 == 0 else str(color),
                "zip": int(generator.integers(10, 40)),
                "label": int(color in ("red", "blue") or generator.random() < 0.2),
            }
        )
    return result


@pytest.fixture(scope="session")
def schema() -> schema_pb2.Schema:
    return make_schema(
        {
            "price": float,
            "size": float,
            "rooms": int,
            "color": str,
            "zip": int,
            "label": int,
        },
        required=("price", "rooms", "zip", "label"),
    )
