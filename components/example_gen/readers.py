"""Read a data set in batches, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from components.example_gen import storage
from components.example_gen.config import Format
from components.example_gen.csv_reader import CsvReader
from components.example_gen.dataset import DatasetSpec
from components.example_gen.parquet_reader import ParquetReader
from components.example_gen.tfrecord_reader import TfRecordReader


class Reader(Protocol):
    """One format."""

    #: Whether kinds have to be inferred from text, and whether files must agree on columns.
    infers: bool
    same_columns: bool

    def names(self, path: str) -> list[str]:
        """Return the names of a file's columns, after checking that they can be read."""

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield a file's rows with `columns` as flat raw values."""

    def line(self, path: str, row: int) -> int | None:
        """Return the one-based line of a zero-based row, if the format has lines."""


#: Format -> its reader, made from the delimiter and the encoding.
READERS: dict[Format, Callable[[str, str], Reader]] = {
    "csv": CsvReader,
    "parquet": lambda delimiter, encoding: ParquetReader(),
    "tfrecord": lambda delimiter, encoding: TfRecordReader(),
}


def read_batches(
    spec: DatasetSpec, files: Sequence[str], columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `files`, in order, as they are stored.

    Parameters
    ----------
    spec : DatasetSpec
    files : sequence of str
        Some of the data set's files.
    columns : sequence of str, optional
        Names to read; by default those of ``spec.read_columns``.

    Yields
    ------
    RecordBatch
        Flat columns of the types in `storage.TYPES`, in the order of the data; null where
        a value is missing. Rows without a label are among them.
    """
    names = [c.name for c in spec.read_columns if columns is None or c.name in columns]
    reader = READERS[spec.format](spec.delimiter, spec.encoding)
    for file in files:
        for batch in reader.batches(file, names):
            yield storage.to_storage(batch, spec)


def read_labelled(spec: DatasetSpec, files: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield what `read_batches` yields without the rows whose label is missing."""
    for batch in read_batches(spec, files):
        labels = batch.column(spec.label)
        yield batch.filter(labels.is_valid()) if labels.null_count else batch
