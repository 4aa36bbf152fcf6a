"""Shapley values of any number of rows on Beam, batch by batch, in bounded memory."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.explainer.shapley import described, rounds
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.shapley.estimate import Estimate
from components.explainer.shapley.game import Game
from components.models import raw_columns
from components.models.subject import Columns

#: Columns of n rows to what is explained of them, [n, outputs].
Values = Callable[[Columns], np.ndarray]
#: A reader of a part of the rows, batch by batch.
Shard = Callable[[], Iterable[Columns]]

#: Name of the Parquet files below their directory, without shard and suffix.
FILE_PREFIX = "shapley"
_SUFFIX = ".parquet"
#: Numbers that coalitions of a block of rows win, and that are kept at once.
BLOCK_NUMBERS = 1 << 21


@dataclass(frozen=True)
class Task:
    """What is explained, and how.

    Attributes
    ----------
    background : dict of str to ndarray
        The usual rows; all that are explained are held against these.
    groups : mapping of str to sequence of str
        Columns by feature.
    outputs : sequence of str
        Names of what the model says.
    config : ShapleyConfig
        Every row takes the same coalitions, so that its values do not hang on the rows
        around it: `ShapleyConfig.tolerance` and its numbers of rows do not count.
    seed : int
    """

    background: Columns
    groups: Mapping[str, Sequence[str]]
    outputs: Sequence[str]
    config: ShapleyConfig
    seed: int

    def explain(self, values: Values, rows: Columns) -> Estimate:
        """Return the Shapley values of rows."""
        game = Game(values, rows, self.background, list(self.groups.values()), self.seed)
        name, budget = rounds.plan(game.players, self.config, [])
        most = 1 << game.players if name == "exact" else budget
        step = max(1, BLOCK_NUMBERS // (most * len(self.outputs)))

        def blocks() -> Iterator[Estimate]:
            for start in range(0, len(game), step):
                chosen = np.arange(start, min(start + step, len(game)))
                ask = functools.partial(game.values, rows=chosen)
                *_, last = rounds.ESTIMATORS[name](ask, game.players, budget, self.seed)
                yield last

        return rounds.joined(blocks())

    def table(self, values: Values, rows: Columns, shard: int, first: int) -> pa.Table:
        """Return the Shapley values of rows as a table; `first` is the place of the first one."""
        estimate = self.explain(values, rows)
        ids = np.arange(first, first + len(estimate.values))
        found = described.table(list(self.groups), self.outputs, ids, estimate)
        return found.add_column(0, "shard", pa.array(np.full(found.num_rows, shard)))


def write(
    task: Task,
    load: Callable[[], Values],
    shards: Sequence[Shard],
    directory: str | os.PathLike[str],
    make_pipeline: Callable[[], beam.Pipeline],
) -> None:
    """Explain all rows, and write Parquet files.

    Parameters
    ----------
    task : Task
    load : callable
        Returns the model's function; each worker calls it once.
    shards : sequence of callable
        Readers of the rows. Batches are explained one after the other, and of a batch as many
        mixed rows are predicted at once as `game.CHUNK_ROWS` says: memory does not grow with the
        rows.
    directory : path
        The files have a line for each row and output: ``shard`` and ``row``, the places of the
        shard and of the row in it, and what `components.explainer.shapley.described.table` has.
    make_pipeline : callable
        Returns the pipeline to run on.
    """
    with make_pipeline() as pipeline:
        _ = (
            pipeline
            | "Shards" >> beam.Create(list(enumerate(shards)))
            | "Reshuffle" >> beam.Reshuffle()
            | "Explain" >> beam.ParDo(_Explain(task, load))
            | "Write"
            >> beam.io.WriteToParquetBatched(
                str(Path(directory) / FILE_PREFIX), _schema(task), file_name_suffix=_SUFFIX
            )
        )


def example_shards(directory: str | os.PathLike[str], schema: schema_pb2.Schema) -> list[Shard]:
    """Return readers of the columns of `schema`, one for each file of a split of tf.Examples."""
    return [
        functools.partial(_read, path, schema.SerializeToString())
        for path in examples.split_files(directory)
    ]


def _read(path: str, schema: bytes) -> Iterator[Columns]:
    known = schema_pb2.Schema.FromString(schema)
    for records in examples.read_records([path]):
        yield raw_columns.read([records], known)


class _Explain(beam.DoFn):
    """Explains shards with a model that each worker loads once."""

    def __init__(self, task: Task, load: Callable[[], Values]) -> None:
        self._task, self._load = task, load

    def setup(self) -> None:
        self._values = self._load()

    def process(self, element: tuple[int, Shard]) -> Iterator[pa.Table]:
        shard, read = element
        first = 0
        for rows in read():
            yield self._task.table(self._values, rows, shard, first)
            first += len(next(iter(rows.values())))


def _schema(task: Task) -> pa.Schema:
    number = pa.float64()
    return pa.schema(
        [
            ("shard", pa.int64()),
            ("row", pa.int64()),
            ("output", pa.string()),
            ("base", number),
            ("prediction", number),
            *((f"{kind}:{name}", number) for name in task.groups for kind in ("value", "error")),
        ]
    )
