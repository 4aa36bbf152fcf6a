"""A teacher's outputs on a whole split, asked for once and kept in files.

The work is cut into the files of the split; memory and Beam do the same with each of them,
so that they give the same numbers, and a run that was killed asks only for what is missing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf

from components import files
from components.distiller.copies import Copies
from components.distiller.teachers import Answers, Source, Teacher
from components.models.transformed import IMAGE, Features, load_files

MakePipeline = Callable[[], beam.Pipeline]


@dataclass(frozen=True)
class Shard:
    """A file of transformed examples, and which rows of the whole it holds."""

    path: str
    first: int


@dataclass(frozen=True)
class Rows:
    """The files of which a training's rows consist, in order.

    Attributes
    ----------
    shards : tuple of Shard
    total : int
        Rows in all of them.
    features : Features
    copies : Copies or None
        How images are changed; then there is an answer for each copy.
    """

    shards: tuple[Shard, ...]
    total: int
    features: Features
    copies: Copies | None = None


def answers(
    source: Source,
    teacher: Teacher | None,
    rows: Rows,
    prefix: Path,
    make_pipeline: MakePipeline | None = None,
) -> Answers:
    """Return a teacher's answers on all rows, from the files below `prefix` or the teacher.

    Parameters
    ----------
    source : Source
    teacher : Teacher or None
        The same, loaded; with `make_pipeline` each worker loads it again.
    rows : Rows
    prefix : Path
        Directory and beginning of the names of the files.
    make_pipeline : callable, optional
        Returns the Beam pipeline to run on; without it, all is done here.

    Returns
    -------
    Answers
        With a first axis for the copies: [copies, n, k] and [copies, n, h].
    """
    targets = {
        shard: prefix.with_name(f"{prefix.name}-{i:05d}.npz") for i, shard in enumerate(rows.shards)
    }
    missing = [(shard, str(path)) for shard, path in targets.items() if not path.is_file()]
    prefix.parent.mkdir(parents=True, exist_ok=True)
    if missing and make_pipeline is not None:
        with make_pipeline() as pipeline:
            _ = (
                pipeline
                | beam.Create(missing)
                | beam.Reshuffle()
                | beam.ParDo(_Answer(source, rows))
            )
    elif missing:
        asked = teacher or source.open()
        for shard, target in missing:
            write(asked, shard, rows, target)
    parts = []
    for path in targets.values():
        with np.load(path, allow_pickle=False) as found:
            parts.append((found["outputs"], found["hints"]))
    return Answers(*(np.concatenate(list(part), axis=1) for part in zip(*parts, strict=True)))


def write(teacher: Teacher, shard: Shard, rows: Rows, path: str) -> None:
    """Write a teacher's answers on one file."""
    arrays = load_files([shard.path], rows.features)
    copies = rows.copies
    if copies is None:
        found = [teacher.answer(arrays)]
    else:
        found = [
            teacher.answer({IMAGE: changed(arrays[IMAGE], copies, epoch, shard.first, rows.total)})
            for epoch in range(copies.copies)
        ]
    outputs, hints = (np.stack(part) for part in zip(*found, strict=True))
    with files.atomic_path(Path(path)) as temporary, open(temporary, "wb") as file:
        np.savez(file, outputs=outputs, hints=hints)


def changed(images: np.ndarray, copies: Copies, epoch: int, first: int, total: int) -> np.ndarray:
    """Return images as a training sees them in an epoch.

    Parameters
    ----------
    images : ndarray, shape [n, height, width, channels]
        The rows from `first` on.
    copies : Copies
    epoch, first, total : int
        ``total`` is the number of rows of the whole training.
    """
    draws = copies.draw(tf.constant(epoch, tf.int64), total)[first : first + len(images)]
    result: np.ndarray = _apply(copies)(tf.constant(images), draws).numpy()
    return result


@functools.lru_cache(maxsize=1)
def _apply(copies: Copies) -> Callable[..., tf.Tensor]:
    # As a graph, which the input of the training is too.
    return tf.function(copies.apply, autograph=False, reduce_retracing=True)


class _Answer(beam.DoFn):
    """Asks a teacher, which each worker loads once, about a file."""

    def __init__(self, source: Source, rows: Rows) -> None:
        self._source, self._rows = source, rows

    def setup(self) -> None:
        self._teacher = self._source.open()

    def process(self, job: tuple[Shard, str]) -> None:
        shard, path = job
        write(self._teacher, shard, self._rows, path)


def shards_of(paths: Sequence[str], sizes: Sequence[int]) -> tuple[Shard, ...]:
    """Return shards of files with so many rows each."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return tuple(Shard(path, int(start)) for path, start in zip(paths, starts, strict=False))
