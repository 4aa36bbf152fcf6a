"""Rows in memory as the schema and the shards that Transform reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
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
