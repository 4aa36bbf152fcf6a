"""Parquet files as batches of their own types."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet

from components.errors import InputError
from components.example_gen import storage
from components.example_gen.csv_reader import check_duplicates

BATCH_ROWS = 1 << 16


class ParquetReader:
    """Reads Parquet files with flat columns."""

    #: Kinds are stated by the file, and every file has the same columns.
    infers = False
    same_columns = True

    def names(self, path: str) -> list[str]:
        """Return the column names, after checking the columns' types.

        Raises
        ------
        InputError
            For a corrupt file, a file without rows, a nested or unsupported column.
        """
        with _explained(path), pyarrow.parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
        check_duplicates(path, schema.names)
        if not rows:
            raise InputError(
                "The file has no rows.",
                file=path,
                expected="at least one row",
                remedy="Add rows, or take the file out of data.path.",
            )
        return list(schema.names)

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `columns`, with the file's own types."""
        with _explained(path), pyarrow.parquet.ParquetFile(path) as file:
            for name in columns:
                _check_type(path, name, file.schema_arrow.field(name).type)
            for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
                yield batch.select(list(columns))

    def line(self, path: str, row: int) -> int | None:
        """Return None: a Parquet file has no lines."""
        return None


def _check_type(path: str, name: str, stored: pa.DataType) -> None:
    if storage.kind_of(stored) is None:
        nested = pa.types.is_nested(stored)
        raise InputError(
            f"Column {name!r} is nested." if nested else f"Column {name!r} has an odd type.",
            file=path,
            column=name,
            expected="one number, text, boolean, date or time a row",
            got=str(stored),
            remedy=f"Flatten it before, or add {name!r} to data.exclude.",
        )


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            "The Parquet file is corrupt or is no Parquet file.",
            file=path,
            got=str(error).splitlines()[0][:200],
            remedy="Fetch or make the file again, or set data.format.",
        ) from None
