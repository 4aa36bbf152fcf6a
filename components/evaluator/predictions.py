"""Scores of each model on a split, stored as a table with the label and the slices.

The table has one row per example: that of `components.models.labelled.read`, and one
column per model (number, or list of class probabilities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import examples, files
from components.evaluator.eval_config import PREDICTION_COLUMN
from components.models import labelled
from components.models.labelled import Layout
from components.models.metric_names import BINARY, REGRESSION

#: Name of the Parquet files below their directory, without shard and suffix.
FILE_PREFIX = "part"
_SUFFIX = ".parquet"


class Model(Protocol):
    """What is needed of a model."""

    def predict_examples(self, records: list[bytes]) -> np.ndarray:
        """Return float32 scores of serialized tf.Examples: ``[n]``, or ``[n, classes]``."""


def score(records: list[bytes], models: Mapping[str, Model], layout: Layout) -> pa.RecordBatch:
    """Return the table of some serialized tf.Examples.

    Raises
    ------
    InputError
        See `components.models.labelled.read`.
    """
    labels, *columns = labelled.read(records, layout).columns
    arrays = [labels]
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
    return pa.RecordBatch.from_arrays(
        [*arrays, *columns], schema=arrow_schema(layout, list(models))
    )


def arrow_schema(layout: Layout, models: Sequence[str]) -> pa.Schema:
    """Return the schema of the table."""
    label, *columns = layout.arrow_schema()
    number = pa.float32()
    score = number if layout.task in (BINARY, REGRESSION) else pa.large_list(number)
    return pa.schema(
        [label, *((PREDICTION_COLUMN.format(model), score) for model in models), *columns]
    )


def score_in_memory(
    directory: str, models: Mapping[str, Model], layout: Layout, output: Path
) -> None:
    """Score the split in `directory` and store the table below `output`."""
    records = examples.read_records(examples.split_files(directory))
    table = pa.Table.from_batches(
        [score(batch, models, layout) for batch in records], arrow_schema(layout, list(models))
    )
    with files.atomic_path(output / f"{FILE_PREFIX}-00000-of-00001{_SUFFIX}") as path:
        pq.write_table(table, path)


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
                arrow_schema(layout, list(uris)),
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


def read(output: Path) -> pa.Table:
    """Return a stored table."""
    return pa.concat_tables([pq.read_table(path) for path in stored_files(output)])


def stored_files(output: Path) -> list[str]:
    """Return the files of a stored table."""
    return sorted(str(path) for path in output.glob(f"{FILE_PREFIX}-*{_SUFFIX}"))


def finite_rows(batch: pa.RecordBatch | pa.Table, models: Iterable[str]) -> np.ndarray:
    """Return which rows have only finite scores of `models`."""
    finite = np.ones(batch.num_rows, bool)
    for model in models:
        scores = scores_of(batch, PREDICTION_COLUMN.format(model))
        finite &= np.isfinite(scores).reshape(batch.num_rows, -1).all(axis=1)
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
                unusable[model] += int((~finite_rows(batch, [model])).sum())
    return rows, unusable
