"""TFRecord files of tf.Example as batches. Imports TensorFlow only when one is read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from components.errors import InputError

BATCH_ROWS = 8192
_GZIP = b"\x1f\x8b\x08"


class TfRecordReader:
    """Reads TFRecord files of tf.Examples with at most one value a feature.

    Parameters
    ----------
    batch_rows : int
        Largest number of rows in a batch.
    """

    #: Kinds are stated by the file; a feature that an example lacks is a missing value.
    infers = False
    same_columns = False

    def __init__(self, batch_rows: int = BATCH_ROWS) -> None:
        self._batch_rows = batch_rows

    def names(self, path: str) -> list[str]:
        """Return the features of all examples, in name order.

        Raises
        ------
        InputError
            For a corrupt file, a file without records, records that are no tf.Examples.
        """
        names: set[str] = set()
        rows = 0
        for batch in self._decoded(path):
            names.update(batch.schema.names)
            rows += batch.num_rows
        if not rows:
            raise InputError("The file has no records.", file=path, expected="tf.Examples")
        return sorted(names)

    def peek(self, path: str) -> Iterator[pa.RecordBatch]:
        """Yield the first rows with all features, each a list."""
        yield from itertools.islice(self._decoded(path), 1)

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `columns`, as int64, float32 or bytes.

        Raises
        ------
        InputError
            For a feature with several values.
        """
        row = 0
        for batch in self._decoded(path):
            arrays = [
                _flat(batch.column(name), name, path, row)
                if name in batch.schema.names
                else pa.nulls(batch.num_rows)
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, list(columns))
            row += batch.num_rows

    def line(self, path: str, row: int) -> int | None:
        """Return None: a TFRecord file has no lines."""
        return None

    def _decoded(self, path: str) -> Iterator[pa.RecordBatch]:
        import tensorflow as tf
        from tfx_bsl.coders import example_coder

        with open(path, "rb") as file:
            compression = "GZIP" if file.read(3) == _GZIP else ""
        dataset = tf.data.TFRecordDataset(path, compression, buffer_size=1 << 20)
        decoder = example_coder.ExamplesToRecordBatchDecoder()
        row = 0
        try:
            for records in dataset.batch(self._batch_rows).as_numpy_iterator():
                yield decoder.DecodeBatch(records.tolist())
                row += len(records)
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            raise InputError(
                "The TFRecord file is corrupt, or its records are no tf.Examples.",
                file=path,
                got=f"{str(error).splitlines()[0][:200]}, in record {row + 1} or after",
                remedy="Fetch or make the file again, or set data.format.",
            ) from None


def _flat(column: pa.Array, name: str, path: str, row: int) -> pa.Array:
    """Return a column of lists of at most one value as a flat column with nulls."""
    if pa.types.is_null(column.type):
        return column
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    if lengths.size and lengths.max() > 1:
        first = int(np.argmax(lengths > 1))
        raise InputError(
            f"Feature {name!r} has several values in one example.",
            file=path,
            column=name,
            expected="at most one value",
            got=f"{lengths[first]} values in record {row + first + 1}",
            remedy=f"Split it into several features before, or add {name!r} to data.exclude.",
        )
    positions = pa.array(np.cumsum(lengths) - 1, mask=lengths == 0)
    return column.flatten().take(positions)
