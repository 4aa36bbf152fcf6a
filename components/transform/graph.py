"""What both engines share: the tensors of a schema and the transform graph's directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_representation_util
from tfx_bsl.tfxio.tensor_adapter import TensorAdapterConfig

#: Reads a part of the data as Arrow batches with the columns of the schema. It is
#: called once for each phase of the analysis; Beam also has to pickle it.
Shard = Callable[[], Iterable[pa.RecordBatch]]
Shards = Sequence[Shard]


def adapter_config(schema: schema_pb2.Schema) -> TensorAdapterConfig:
    """Return how Arrow batches with the columns of `schema` become tensors."""
    return TensorAdapterConfig(
        example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString()).ArrowSchema(),
        tensor_representation_util.InferTensorRepresentationsFromMixedSchema(schema),
    )


def write_metadata(
    directory: str | Path,
    raw: schema_pb2.Schema,
    transformed: dataset_metadata.DatasetMetadata,
    asset_map: dict[str, str],
) -> None:
    """Write the schemas of a transform graph where `tft.TFTransformOutput` reads them.

    Parameters
    ----------
    directory : path
        Root of the transform graph.
    raw : Schema
        Schema of the graph's input.
    transformed : DatasetMetadata
        Schema of its output.
    asset_map : dict
        File name of each asset that the preprocessing function annotated.
    """
    output = Path(directory) / tft.TFTransformOutput.TRANSFORMED_METADATA_DIR
    metadata_io.write_metadata(transformed, str(output))
    if asset_map:
        (output / tft.TFTransformOutput.ASSET_MAP).write_text(json.dumps(asset_map))
    write_raw_metadata(directory, raw)


def write_raw_metadata(directory: str | Path, raw: schema_pb2.Schema) -> None:
    """Write the schema of a transform graph's input."""
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(raw),
        str(Path(directory) / tft.TFTransformOutput.RAW_METADATA_DIR),
    )


def clear(directory: str | Path) -> Path:
    """Remove an earlier transform graph from `directory` and return it."""
    root = Path(directory)
    for name in (
        tft.TFTransformOutput.TRANSFORM_FN_DIR,
        tft.TFTransformOutput.TRANSFORMED_METADATA_DIR,
        tft.TFTransformOutput.RAW_METADATA_DIR,
    ):
        shutil.rmtree(root / name, ignore_errors=True)
    return root


def read_shards(shards: Shards) -> beam.PTransform:
    """Return a source of the Arrow batches of `shards`, each read by one worker."""
    return _ReadShards(shards)


class _ReadShards(beam.PTransform):
    def __init__(self, shards: Shards) -> None:
        super().__init__()
        self._shards = list(shards)

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        return (
            pbegin
            | "Shards" >> beam.Create(self._shards)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(lambda shard: shard()).with_output_types(pa.RecordBatch)
        )
