"""Later data, file by file: what is in it, held against the data that were trained on.

Imports nothing heavy (TensorFlow only for TFRecord files).
"""

from __future__ import annotations

import collections
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from components import files, naming
from components.errors import InputError
from components.example_gen import image_folder, storage
from components.example_gen.config import LaterSpan, SpansConfig
from components.example_gen.dataset import DatasetSpec
from components.example_gen.readers import READERS, read_batches
from components.spans import KEY, PREFIX, TIME

_NAME_LENGTH = 40


def inspect(
    paths: Sequence[str],
    spec: DatasetSpec,
    *,
    excluded: Collection[str] = (),
    key: str | None = None,
    labels_path: str | None = None,
) -> SpansConfig:
    """Return what later data hold: each file, or folder of images, is a span.

    Parameters
    ----------
    paths : sequence of str
        In the order in which they were collected.
    spec : DatasetSpec
        The data that were trained on.
    excluded : collection of str
        Columns that these had besides, which a span may have or not.
    key : str, optional
        Column whose value tells a row from all others.
    labels_path : str, optional
        File with the columns `key` and the label, for rows that came without.

    Raises
    ------
    InputError
        A file that cannot be read, is empty, has other columns or values of another kind, a label
        of an unknown class, or the same key twice.
    """
    if labels_path is not None and key is None:
        raise InputError(
            "Late labels are joined by a key, and none is set.",
            file=labels_path,
            setting="monitor.key",
            expected="the column whose value tells a row from all others",
        )
    known = {*spec.names, *excluded, *spec.empty_columns, *(c.name for c in spec.read_columns)}
    seen: dict[str, str] = {}
    found: list[LaterSpan] = []
    keys: set[str] = set()
    names = naming.distinct(paths, _name)
    for path in paths:
        if not os.path.exists(path):
            raise InputError("There is no such file or folder.", file=path)
        group = _group(path, spec)
        if spec.image is None:
            _check_columns(path, spec, known, key)
        rows = labelled = 0
        for batch in read(spec, group, key):
            rows += batch.num_rows
            labels = batch.column(spec.label)
            labelled += batch.num_rows - labels.null_count
            _check_classes(labels, spec, path)
            if key is not None:
                _check_keys(batch.column(KEY).to_pylist(), keys, path, key)
        if not rows:
            raise InputError(
                "The file has no row.", file=path, expected="at least one row to monitor"
            )
        digest = _digest(group)
        if digest in seen:
            raise InputError(
                "Two files hold the same rows.", file=path, got=seen[digest], remedy="Name one."
            )
        seen[digest] = path
        found.append(
            LaterSpan(
                name=PREFIX + names[path],
                files=group,
                rows=rows,
                labelled=labelled,
                digest=digest,
            )
        )
    if labels_path is not None:
        assert key is not None
        read_labels(labels_path, spec, key)
    return SpansConfig(
        spans=tuple(found),
        key=key,
        labels_path=labels_path and os.path.abspath(labels_path),
        labels_digest=labels_path and files.file_digest(labels_path),
    )


def read(spec: DatasetSpec, group: Sequence[str], key: str | None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a span as they are stored, with `KEY` and `TIME`, without dropping any.

    A label that the file does not have is null.
    """
    if spec.image is not None:
        yield from read_batches(spec, group)
        return
    reader = READERS[spec.format](spec.delimiter, spec.encoding)
    for path in group:
        present = set(reader.names(path))
        time = spec.time_only if spec.time_only and spec.time_only.name in present else None
        wanted = [name for name in spec.names if name in present]
        wanted += [time.name] if time else []
        if key is not None and key not in wanted:
            wanted.append(key)
        for batch in reader.batches(path, wanted):
            try:
                stored = storage.to_storage(batch, spec)
            except InputError as error:
                error.details = {"file": path, **error.details}
                raise
            columns = dict(zip(stored.schema.names, stored.columns, strict=True))
            if spec.label not in columns:
                kind = next(c.kind for c in spec.columns if c.name == spec.label)
                columns[spec.label] = pa.nulls(batch.num_rows, storage.TYPES[kind])
            times = columns[time.name] if time else None
            columns = {name: columns[name] for name in spec.names}
            if times is not None:
                columns[TIME] = times
            if key is not None:
                columns[KEY] = _as_text(batch.column(key), spec)
            yield pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def read_labels(path: str, spec: DatasetSpec, key: str) -> tuple[list[str], pa.Array]:
    """Return the keys of a file of late labels, and the label of each as it is stored.

    Raises
    ------
    InputError
        It lacks one of the two columns, a value, or has a key twice or an unknown class.
    """
    if not os.path.isfile(path):
        raise InputError("There is no such file.", file=path, expected="a file of late labels")
    reader = READERS[spec.format](spec.delimiter, spec.encoding)
    names = reader.names(path)
    for column in (key, spec.label):
        if column not in names:
            raise InputError(
                f"The file of labels has no column {column!r}{naming.nearest(column, names)}.",
                file=path,
                expected=f"the columns {key!r} and {spec.label!r}",
                got=", ".join(names),
            )
    keys: list[str] = []
    labels = []
    seen: set[str] = set()
    for batch in reader.batches(path, [key, spec.label]):
        stored = storage.to_storage(batch.select([spec.label]), spec).column(0)
        if stored.null_count:
            raise InputError(
                "A row of the file of labels has no label.",
                file=path,
                column=spec.label,
                remedy="Leave out rows whose label is not known yet.",
            )
        _check_classes(stored, spec, path)
        texts = _as_text(batch.column(key), spec).to_pylist()
        _check_keys(texts, seen, path, key)
        keys += texts
        labels.append(stored)
    return keys, pa.chunked_array(labels).combine_chunks()


def _name(path: str) -> str:
    """Return what a span is called, from the name of its file."""
    stem = Path(path).name.split(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:_NAME_LENGTH]
    return name or "rows"


def _group(path: str, spec: DatasetSpec) -> tuple[str, ...]:
    if spec.format == "images":
        [root] = image_folder.find_roots([path], "FILE")
        return tuple(image_folder.find_classes(root, "FILE"))
    if spec.image is not None:
        raise InputError(
            "Images are monitored as a folder with a folder for each class.",
            file=path,
            expected="data of the format images",
            got=spec.format,
        )
    if not os.path.isfile(path):
        raise InputError("A span is one file.", file=path, remedy="Name the files one by one.")
    return (os.path.abspath(path),)


def _check_columns(path: str, spec: DatasetSpec, known: Collection[str], key: str | None) -> None:
    names = READERS[spec.format](spec.delimiter, spec.encoding).names(path)
    lacking = [name for name in (*spec.features, *([key] if key else ())) if name not in names]
    extra = [name for name in names if name not in known and name != key]
    if lacking or extra:
        raise InputError(
            "The span has another schema than the data that were trained on.",
            file=path,
            expected=f"the columns {', '.join(spec.features)}, and {spec.label} if it is known",
            got="; ".join(
                f"{word} {', '.join(map(repr, columns))}"
                for word, columns in (("without", lacking), ("with", extra))
                if columns
            ),
            remedy="Give the span the same columns, or train anew.",
        )


def _check_classes(labels: pa.Array, spec: DatasetSpec, path: str) -> None:
    if not spec.classes:
        return
    for value in pc.unique(labels).to_pylist():
        if value is not None and str(value) not in spec.classes:
            raise InputError(
                "A label is of a class that the model does not know.",
                file=path,
                column=spec.label,
                expected=", ".join(spec.classes),
                got=str(value),
                remedy="Correct the label, or train anew on data with that class.",
            )


def _check_keys(keys: Sequence[str | None], seen: set[str], path: str, key: str) -> None:
    if None in keys:
        raise InputError("A row has no key.", file=path, column=key, setting="monitor.key")
    counts = collections.Counter(keys)
    twice = next((k for k in counts if counts[k] > 1 or k in seen), None)
    if twice is not None:
        raise InputError(
            "Two rows have the same key.",
            file=path,
            column=key,
            setting="monitor.key",
            expected="a value that no other row has",
            got=str(twice),
            remedy="Take out the duplicated rows, or name another column.",
        )
    seen.update(k for k in keys if k is not None)


def _as_text(values: pa.Array, spec: DatasetSpec) -> pa.Array:
    return storage.convert(storage.with_nulls(values, spec.missing_values), "categorical")[0]


def _digest(group: Sequence[str]) -> str:
    return "+".join(
        image_folder.folder_digest(path) if os.path.isdir(path) else files.file_digest(path)
        for path in group
    )
