"""tf.Examples on disk: gzipped TFRecord files, read and written as Arrow batches.

A split is a directory of such files. Absent values are null on the Arrow side
and absent from the example on the other; a column is a list per row, as in all
of TFX.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components import files

FILE_NAME = "data_tfrecord-00000-of-00001.gz"
BATCH_ROWS = 8192
# Level 1 costs a quarter of zlib's default time for a tenth more bytes.
_OPTIONS = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def split_files(directory: str | os.PathLike[str]) -> list[str]:
    """Return the record files of a split, in name order."""
    return sorted(
        str(path)
        for path in Path(directory).iterdir()
        if path.is_file() and not path.name.startswith(".")
    )


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return `batch` with every flat column as a column of lists (null stays null)."""
    columns = []
    for column in batch.columns:
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            columns.append(column)
            continue
        # One value a row and none where it is null; a null offset makes the list null.
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(valid, dtype=np.int64)])
        absent = np.concatenate([~valid, [False]])
        values = column.drop_null()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = values.cast(pa.binary())
        columns.append(pa.LargeListArray.from_arrays(pa.array(offsets, mask=absent), values))
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def encode(batch: pa.RecordBatch) -> list[bytes]:
    """Return the rows of `batch` as serialized tf.Examples."""
    encoder = example_coder.RecordBatchToExamplesEncoder(None)
    return encoder.encode(as_lists(batch))


@contextlib.contextmanager
def open_split(directory: str | os.PathLike[str]) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that appends a serialized tf.Example to a new split."""
    with (
        files.atomic_path(Path(directory) / FILE_NAME) as path,
        tf.io.TFRecordWriter(str(path), _OPTIONS) as writer,
    ):
        yield writer.write


def write_split(batches: Iterable[pa.RecordBatch], directory: str | os.PathLike[str]) -> int:
    """Write `batches` as one split and return its number of rows."""
    rows = 0
    with open_split(directory) as write:
        for batch in batches:
            for record in encode(batch):
                write(record)
            rows += batch.num_rows
    return rows


def read_records(paths: Sequence[str], batch_rows: int = BATCH_ROWS) -> Iterator[list[bytes]]:
    """Yield the serialized tf.Examples of record files in lists of `batch_rows`."""
    dataset = tf.data.TFRecordDataset(
        list(paths), compression_type="GZIP", buffer_size=1 << 20
    ).batch(batch_rows)
    for records in dataset.as_numpy_iterator():
        yield records.tolist()


def read_files(
    paths: Sequence[str],
    schema: schema_pb2.Schema | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Yield record files as Arrow batches, with the columns of `schema` if it is given."""
    decoder = example_coder.ExamplesToRecordBatchDecoder(
        schema.SerializeToString() if schema is not None else None
    )
    for records in read_records(paths, batch_rows):
        yield decoder.DecodeBatch(records)


def read_split(
    directory: str | os.PathLike[str],
    schema: schema_pb2.Schema | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Yield a split as Arrow batches; see `read_files`."""
    return read_files(split_files(directory), schema, batch_rows)
