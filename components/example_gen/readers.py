"""Read a data set in batches, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa

from components.example_gen import storage
from components.example_gen.config import Format
from components.example_gen.csv_reader import CsvReader
from components.example_gen.dataset import DatasetSpec, ImageSpec
from components.example_gen.image_readers import FolderReader, IdxReader, TfRecordImageReader
from components.example_gen.parquet_reader import ParquetReader
from components.example_gen.tfrecord_reader import TfRecordReader


class BatchReader(Protocol):
    """One format, as far as tables and images have it in common."""

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a file, or a class folder, with `columns` as flat raw values."""


class ImageReader(BatchReader, Protocol):
    """One format of images."""

    def place(self, path: str, row: int) -> dict[str, Any]:
        """Return where a zero-based row is, as arguments of an `InputError`."""


class Reader(BatchReader, Protocol):
    """One format of tables."""

    #: Whether kinds have to be inferred from text, and whether files must agree on columns.
    infers: bool
    same_columns: bool

    def names(self, path: str) -> list[str]:
        """Return the names of a file's columns, after checking that they can be read."""

    def line(self, path: str, row: int) -> int | None:
        """Return the one-based line of a zero-based row, if the format has lines."""


#: Format of tables -> its reader, made from the delimiter and the encoding.
READERS: dict[Format, Callable[[str, str], Reader]] = {
    "csv": CsvReader,
    "parquet": lambda delimiter, encoding: ParquetReader(),
    "tfrecord": lambda delimiter, encoding: TfRecordReader(),
}

#: Format of images -> its reader, made from the label's name and what the images are.
IMAGE_READERS: dict[Format, Callable[[str, ImageSpec], ImageReader]] = {
    "images": FolderReader,
    "idx": IdxReader,
    "tfrecord": TfRecordImageReader,
}


def _make_reader(spec: DatasetSpec) -> BatchReader:
    if spec.image is not None:
        return IMAGE_READERS[spec.format](spec.label, spec.image)
    return READERS[spec.format](spec.delimiter, spec.encoding)


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
    reader = _make_reader(spec)
    for file in files:
        for batch in reader.batches(file, names):
            yield storage.to_storage(batch, spec)


def read_labelled(spec: DatasetSpec, files: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield what `read_batches` yields without the rows whose label is missing."""
    for batch in read_batches(spec, files):
        yield with_label(batch, spec)


def with_label(batch: pa.RecordBatch, spec: DatasetSpec) -> pa.RecordBatch:
    """Return the rows of `batch` whose label is not missing."""
    labels = batch.column(spec.label)
    return batch.filter(labels.is_valid()) if labels.null_count else batch
