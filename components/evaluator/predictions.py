"""Scores of each model on a split, stored as a table with the label and the slices.

The table has one row per example: the label (index of its class, or the number), one
column per model (number, or list of class probabilities) and the columns to slice by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components import examples, files
from components.errors import InputError
from components.evaluator.eval_config import LABEL_COLUMN, PREDICTION_COLUMN
from components.models.metric_names import BINARY, REGRESSION, Task

#: Name of the Parquet files below their directory, without shard and suffix.
FILE_PREFIX = "part"
_SUFFIX = ".parquet"

_COLUMN_TYPES = {
    schema_pb2.INT: pa.int64(),
    schema_pb2.FLOAT: pa.float32(),
    schema_pb2.BYTES: pa.string(),
}


class Model(Protocol):
    """What is needed of a model."""

    def predict_examples(self, records: list[bytes]) -> np.ndarray:
        """Return float32 scores of serialized tf.Examples: ``[n]``, or ``[n, classes]``."""


@dataclass(frozen=True)
class Layout:
    """What the examples hold and what the table is to hold.

    Attributes
    ----------
    label : str
        Column of the label.
    task : {"binary", "multiclass", "regression"}
    classes : tuple of str
        Values of the label as text; of two, the positive one is last.
    columns : tuple of str
        Columns to keep for slicing.
    schema : Schema
        Types of the examples' features.
    """

    label: str
    task: Task
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    schema: schema_pb2.Schema

    def features(self) -> schema_pb2.Schema:
        """Return the schema of the features that the table is made from, and no others."""
        wanted = {self.label, *self.columns}
        return schema_pb2.Schema(
            feature=[
                schema_pb2.Feature(name=f.name, type=f.type)
                for f in self.schema.feature
                if f.name in wanted
            ]
        )

    def arrow_schema(self, models: list[str]) -> pa.Schema:
        """Return the schema of the table."""
        types = {feature.name: feature.type for feature in self.schema.feature}
        number = pa.float32()
        score = number if self.task in (BINARY, REGRESSION) else pa.large_list(number)
        return pa.schema(
            [(LABEL_COLUMN, pa.float64() if self.task == REGRESSION else pa.int64())]
            + [(PREDICTION_COLUMN.format(model), score) for model in models]
            + [(column, _COLUMN_TYPES[types[column]]) for column in self.columns]
        )


def score(records: list[bytes], models: Mapping[str, Model], layout: Layout) -> pa.RecordBatch:
    """Return the table of some serialized tf.Examples.

    Raises
    ------
    InputError
        For a label that is none of the classes, and a slice column with several values
        in a row or text that is not UTF-8.
    """
    decoder = example_coder.ExamplesToRecordBatchDecoder(layout.features().SerializeToString())
    batch = decoder.DecodeBatch(records)
    schema = layout.arrow_schema(list(models))
    arrays = [_labels(_flat(batch, layout.label), layout)]
    for name, model in models.items():
        scores = np.asarray(model.predict_examples(records), np.float32)
        expected = (len(records), *([] if layout.task == REGRESSION else [len(layout.classes)]))
        if scores.shape != expected:
            raise ValueError(f"The {name} model's scores have shape {scores.shape}, not {expected}")
        if layout.task == BINARY:
            scores = np.ascontiguousarray(scores[:, 1])
        if scores.ndim == 1:
            arrays.append(pa.array(scores))
        else:
            offsets = np.arange(len(scores) + 1, dtype=np.int64) * scores.shape[1]
            arrays.append(pa.LargeListArray.from_arrays(offsets, scores.ravel()))
    for column in layout.columns:
        values = _flat(batch, column)
        if pa.types.is_floating(values.type):
            # Not a number is no value to slice by.
            values = pc.if_else(pc.is_nan(values), None, values)
        try:
            arrays.append(values.cast(schema.field(column).type))
        except pa.ArrowInvalid as error:
            raise InputError(
                "The data cannot be sliced by a column that is not UTF-8 text.",
                column=column,
                setting="evaluator.slices",
                got=str(error),
            ) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def score_in_memory(
    directory: str, models: Mapping[str, Model], layout: Layout, output: Path
) -> pa.Table:
    """Score the split in `directory`, store the table below `output` and return it."""
    records = examples.read_records(examples.split_files(directory))
    table = pa.Table.from_batches(
        [score(batch, models, layout) for batch in records], layout.arrow_schema(list(models))
    )
    with files.atomic_path(output / f"{FILE_PREFIX}-00000-of-00001{_SUFFIX}") as path:
        pq.write_table(table, path)
    return table


def score_on_beam(
    directory: str,
    uris: Mapping[str, str],
    load: Callable[[str], Model],
    layout: Layout,
    output: Path,
    make_pipeline: Callable[[], beam.Pipeline],
) -> None:
    """Score the split in `directory` on Beam and store the table below `output`."""
    with make_pipeline() as pipeline:
        (
            pipeline
            | "Files" >> beam.Create(examples.split_files(directory))
            | "Reshuffle" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(lambda path: examples.read_records([path]))
            | "Score" >> beam.ParDo(_Score(dict(uris), load, layout))
            | "Write"
            >> beam.io.WriteToParquetBatched(
                str(output / FILE_PREFIX),
                layout.arrow_schema(list(uris)),
                file_name_suffix=_SUFFIX,
            )
        )


class _Score(beam.DoFn):
    """Scores batches of records; loads the models once per worker."""

    def __init__(self, uris: dict[str, str], load: Callable[[str], Model], layout: Layout) -> None:
        self._uris, self._load, self._layout = uris, load, layout

    def setup(self) -> None:
        self._models = {name: self._load(uri) for name, uri in self._uris.items()}

    def process(self, records: list[bytes]) -> Iterator[pa.Table]:
        yield pa.Table.from_batches([score(records, self._models, self._layout)])


def stored_files(output: Path) -> list[str]:
    """Return the files of a stored table."""
    return sorted(str(path) for path in output.glob(f"{FILE_PREFIX}-*{_SUFFIX}"))


def finite_rows(batch: pa.RecordBatch | pa.Table, model: str | None = None) -> np.ndarray:
    """Return which rows have only finite scores, of `model` or of all models."""
    columns = [PREDICTION_COLUMN.format(model)] if model else batch.schema.names
    finite = np.ones(batch.num_rows, bool)
    for name in columns:
        if name.startswith(PREDICTION_COLUMN.format("")):
            finite &= np.isfinite(scores_of(batch, name)).reshape(batch.num_rows, -1).all(axis=1)
    return finite


def scores_of(batch: pa.RecordBatch | pa.Table, name: str) -> np.ndarray:
    """Return a column of scores as an array: ``[n]``, or ``[n, classes]``."""
    column = batch.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_large_list(column.type) or pa.types.is_list(column.type):
        return column.flatten().to_numpy().reshape(len(column), -1)
    return column.to_numpy(zero_copy_only=False)


def count(output: Path, models: list[str]) -> tuple[int, dict[str, int]]:
    """Return a stored table's number of rows, and of rows without finite scores by model."""
    rows, unusable = 0, dict.fromkeys(models, 0)
    for path in stored_files(output):
        for batch in pq.ParquetFile(path).iter_batches():
            rows += batch.num_rows
            for model in models:
                unusable[model] += int((~finite_rows(batch, model)).sum())
    return rows, unusable


def _flat(batch: pa.RecordBatch, column: str) -> pa.Array:
    """Return a column of lists as single values, null where a list is empty."""
    lists = batch.column(column)
    values, parents = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    if len(np.unique(parents)) != len(parents):
        raise InputError(
            f"The column {column!r} has several values in a row.",
            column=column,
            expected="at most one value in a row of the label and of a column to slice by",
        )
    positions = np.full(len(lists), -1)
    positions[parents] = np.arange(len(parents))
    return values.take(pa.array(positions, mask=positions < 0))


def _labels(values: pa.Array, layout: Layout) -> pa.Array:
    """Return numbers, or the index of each label's class."""
    if layout.task == REGRESSION:
        return values.cast(pa.float64())
    distinct = values.unique()
    indices = {name: index for index, name in enumerate(layout.classes)}
    found = [indices.get(_as_class(value, indices)) for value in distinct.to_pylist()]
    if None in found:
        raise InputError(
            "A label is none of the classes that were found in the train split.",
            column=layout.label,
            expected=", ".join(layout.classes),
            got=_as_class(distinct[found.index(None)].as_py(), indices),
        )
    return pa.array(found, pa.int64()).take(pc.index_in(values, distinct))


def _as_class(value: Any, classes: Mapping[str, int]) -> str:
    """Return a label as the text that stands for its class."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    text = str(value)
    # A column with a missing value is float: 1.0 then stands for the class "1".
    if isinstance(value, float) and text not in classes and value.is_integer():
        return str(int(value))
    return text
