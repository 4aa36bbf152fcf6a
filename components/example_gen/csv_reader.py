"""CSV files as batches of text, and the line and cause of what is wrong with one."""

from __future__ import annotations

import codecs
import collections
import contextlib
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, cast

import pyarrow as pa
import pyarrow.csv

from components.errors import InputError

BLOCK_BYTES = 8 << 20
_GZIP = b"\x1f\x8b"
_DELIMITERS = {",": "','", ";": "';'", "\t": "'\\t' (tab)", "|": "'|'"}
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_CORRUPT_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)


@dataclass(frozen=True)
class CsvReader:
    """Reads CSV files (RFC 4180, any delimiter, with a header), gzipped or not.

    Quoted cells may hold line breaks. White space around a column's name is dropped.
    """

    delimiter: str = ","
    encoding: str = "utf-8"

    #: Kinds have to be inferred from the text, and every file has the same columns.
    infers = True
    same_columns = True

    def names(self, path: str) -> list[str]:
        """Return the names in the header, after checking it.

        Raises
        ------
        InputError
            For an empty file, a file with a header only, names that are empty or twice
            there, a header that another delimiter divides, a wrong encoding, corrupt gzip.
        """
        with self._explained(path):
            records = self._records(path)
            _, header = next(records, (0, None))
            if header is None:
                raise InputError(
                    "The file is empty.", file=path, expected="a header and rows below it"
                )
            names = [name.strip() for name in header]
            self._check_header(path, names)
            if next(records, None) is None:
                raise InputError(
                    "The file has a header and no rows.",
                    file=path,
                    expected="rows below the header",
                    remedy="Add rows, or take the file out of data.path.",
                )
        return names

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `columns`, every cell as text and the empty cell as ``""``.

        Raises
        ------
        InputError
            For rows that are longer or shorter than the header, quotes that are never
            closed, text in another encoding, corrupt gzip.
        """
        last = None
        with self._explained(path), self._open(path) as stream:
            _, header = next(self._records(path))
            raw_names = {name.strip(): name for name in header}
            wanted = [raw_names[name] for name in columns]
            reader = pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(
                    block_size=BLOCK_BYTES, encoding=self.encoding
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=wanted,
                    column_types=dict.fromkeys(wanted, pa.string()),
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                if batch.num_rows:
                    last = batch
                    yield pa.RecordBatch.from_arrays(batch.columns, list(columns))
            # A quote that is never closed swallows the rest of the file into the last cell.
            if last is not None and any("\n" in str(column[-1]) for column in last.columns):
                collections.deque(self._records(path), maxlen=0)

    def line(self, path: str, row: int) -> int | None:
        """Return the one-based line on which the zero-based `row` below the header starts."""
        for index, (line, _) in enumerate(self._records(path)):
            if index == row + 1:
                return line
        return None

    def _open(self, path: str) -> pa.NativeFile:
        return pa.input_stream(path, compression="gzip" if is_gzip(path) else None)

    def _records(self, path: str) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the line on which it starts, by Python's slower reader."""
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        with (
            _open_binary(path) as binary,
            io.TextIOWrapper(binary, encoding=encoding, newline="") as text,
        ):
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            start = 1
            try:
                for record in reader:
                    if record:
                        yield start, record
                    start = reader.line_num + 1
            except csv.Error as error:
                unclosed = "unexpected end" in str(error) or "field limit" in str(error)
                raise InputError(
                    "A quote is opened and never closed." if unclosed else "A row is not CSV.",
                    file=path,
                    line=start,
                    got=None if unclosed else str(error),
                    remedy='Close the quote; a quote inside a quoted cell is written "".',
                ) from None

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Turn a reader's error into one that names the line and the cause."""
        try:
            yield
        except UnicodeDecodeError:
            raise self._encoding_error(path) from None
        except _CORRUPT_GZIP as error:
            raise _corrupt(path, error) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise self._diagnose(path, error) from None

    def _diagnose(self, path: str, error: Exception) -> InputError:
        try:
            width = None
            for line, record in self._records(path):
                width = width or len(record)
                if len(record) != width:
                    return InputError(
                        "A row has another number of cells than the header.",
                        file=path,
                        line=line,
                        expected=f"{width} cells",
                        got=f"{len(record)} cells",
                        remedy="Mend the row; quote cells that hold the delimiter.",
                    )
        except UnicodeDecodeError:
            return self._encoding_error(path)
        except _CORRUPT_GZIP as corrupt:
            return _corrupt(path, corrupt)
        except InputError as found:
            return found
        if isinstance(error, OSError):
            return _corrupt(path, error) if is_gzip(path) else InputError(str(error), file=path)
        return InputError("The file is not valid CSV.", file=path, got=str(error))

    def _encoding_error(self, path: str) -> InputError:
        """Find the first byte that the encoding does not allow."""
        with _open_binary(path) as binary:
            start = binary.read(3)
        mark = next((name for bom, name in _BYTE_ORDER_MARKS.items() if start.startswith(bom)), "")
        offset, line, byte = self._first_undecodable(path)
        suggestion = mark if mark and mark != self.encoding else "latin-1"
        if suggestion == self.encoding:
            suggestion = "utf-8"
        return InputError(
            "The file is in another encoding.",
            file=path,
            line=line,
            expected=self.encoding,
            got=f"byte 0x{byte:02x} at offset {offset}"
            + (f" (the file starts like {mark})" if mark else ""),
            remedy=f"Set data.encoding, perhaps to {suggestion}, or convert the file.",
        )

    def _first_undecodable(self, path: str) -> tuple[int, int, int]:
        """Return the offset (bytes, of the unpacked file), the line and the byte."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        offset, line = 0, 1
        with _open_binary(path) as binary:
            while True:
                chunk = binary.read(1 << 20)
                pending = len(decoder.getstate()[0])
                try:
                    line += decoder.decode(chunk, final=not chunk).count("\n")
                except UnicodeDecodeError as error:
                    line += error.object[: error.start].count(b"\n")
                    return offset - pending + error.start, line, error.object[error.start]
                if not chunk:
                    raise AssertionError(f"{path} can be decoded")
                offset += len(chunk)

    def _check_header(self, path: str, names: list[str]) -> None:
        if len(names) == 1:
            for other, shown in _DELIMITERS.items():
                if other != self.delimiter and len(names[0].split(other)) > 1:
                    raise InputError(
                        "The header has one column, and another delimiter would divide it.",
                        file=path,
                        line=1,
                        expected=f"columns divided by {self.delimiter!r} (data.delimiter)",
                        got=names[0][:80],
                        remedy=f"Set data.delimiter to {shown}.",
                    )
        for position, name in enumerate(names, 1):
            if not name:
                raise InputError(
                    "A column has no name.",
                    file=path,
                    line=1,
                    got=f"an empty name at position {position} of {len(names)}",
                    remedy="Name the column in the header.",
                )
        check_duplicates(path, names, line=1)


def check_duplicates(path: str, names: Sequence[str], line: int | None = None) -> None:
    """Raise an InputError if a name is there twice."""
    for name, count in collections.Counter(names).items():
        if count > 1:
            positions = [str(i) for i, other in enumerate(names, 1) if other == name]
            raise InputError(
                f"{count} columns have the same name.",
                file=path,
                line=line,
                column=name,
                got=f"{name!r} at positions {', '.join(positions)}",
                remedy="Rename or remove all but one.",
            )


def is_gzip(path: str) -> bool:
    """Whether a file starts like gzip, whatever its name."""
    with open(path, "rb") as file:
        return file.read(2) == _GZIP


def _open_binary(path: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if is_gzip(path) else open(path, "rb")


def _corrupt(path: str, error: Exception) -> InputError:
    return InputError(
        "The gzip file is corrupt.",
        file=path,
        got=str(error) or type(error).__name__,
        remedy="Fetch or make the file again.",
    )
