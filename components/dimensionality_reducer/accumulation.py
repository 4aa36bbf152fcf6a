"""Sums over all rows, in this process or on Beam, in memory that does not grow with them."""

from __future__ import annotations

import functools
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import apache_beam as beam
import numpy as np

from components.dimensionality_reducer.columns import Batch, Shard


class Accumulator(ABC):
    """Sums of some rows, to which those of others can be added.

    Attributes
    ----------
    ARRAYS : tuple of str
        Attributes that hold all of the state, each a number or an array.
    """

    ARRAYS: ClassVar[tuple[str, ...]]

    @abstractmethod
    def add(self, batch: Batch) -> None:
        """Take in some rows."""

    @abstractmethod
    def merge(self, other: Any) -> None:
        """Take in the rows that another accumulator of the kind has taken in."""

    def state(self) -> dict[str, np.ndarray]:
        """Return what `restore` takes."""
        return {name: np.asarray(getattr(self, name)) for name in self.ARRAYS}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take up a state."""
        for name in self.ARRAYS:
            setattr(self, name, state[name] if state[name].ndim else state[name].item())


class Together(Accumulator):
    """Several accumulators in one pass."""

    ARRAYS = ()

    def __init__(self, *parts: Accumulator) -> None:
        self.parts = parts

    def add(self, batch: Batch) -> None:
        for part in self.parts:
            part.add(batch)

    def merge(self, other: Together) -> None:
        for part, its in zip(self.parts, other.parts, strict=True):
            part.merge(its)

    def state(self) -> dict[str, np.ndarray]:
        return {
            f"{number}.{name}": array
            for number, part in enumerate(self.parts)
            for name, array in part.state().items()
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        for number, part in enumerate(self.parts):
            part.restore({name: state[f"{number}.{name}"] for name in part.state()})


Kind = TypeVar("Kind", bound=Accumulator)
#: Returns an accumulator without rows, given the number of the shard that it is for.
Start = Callable[[int], Kind]
MakePipeline = Callable[[], beam.Pipeline]


def accumulate(
    shards: Sequence[Shard], start: Start[Kind], make_pipeline: MakePipeline | None = None
) -> Kind:
    """Return the accumulator of all rows.

    Parameters
    ----------
    shards : sequence of Shard
    start : callable
        Makes the accumulator of one shard. Beam has to pickle it.
    make_pipeline : callable, optional
        Returns the Beam pipeline to run on; without it, the pass runs in this process.
    """
    if make_pipeline is None:
        total = start(0)
        for number, shard in enumerate(shards):
            total.merge(_of_shard((number, shard), start))
        return total
    return _on_beam(shards, start, make_pipeline)


def _of_shard(numbered: tuple[int, Shard], start: Start[Kind]) -> Kind:
    number, shard = numbered
    accumulator = start(number)
    for batch in shard():
        accumulator.add(batch)
    return accumulator


def _on_beam(shards: Sequence[Shard], start: Start[Kind], make_pipeline: MakePipeline) -> Kind:
    def parts(numbered: tuple[int, Shard]) -> Iterator[Kind]:
        yield _of_shard(numbered, start)

    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "total.npz")
        with make_pipeline() as pipeline:
            # Rows never become elements: Beam's runner in this process would hold them all.
            _ = (
                pipeline
                | "Shards" >> beam.Create(list(enumerate(shards)))
                | "Spread" >> beam.Reshuffle()
                | "Sum" >> beam.FlatMap(parts)
                | "Merge" >> beam.CombineGlobally(_Merge(start))
                | "Keep" >> beam.Map(functools.partial(_save, path=path))
            )
        total = start(0)
        with np.load(path, allow_pickle=False) as state:
            total.restore({name: state[name] for name in state.files})
    return total


def _save(accumulator: Accumulator, path: str) -> None:
    np.savez(path, **accumulator.state())


class _Merge(beam.CombineFn):
    """Merges accumulators."""

    def __init__(self, start: Start[Any]) -> None:
        super().__init__()
        self._start = start

    def create_accumulator(self) -> Accumulator:
        return self._start(0)

    def add_input(self, accumulator: Accumulator, part: Accumulator) -> Accumulator:
        accumulator.merge(part)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Accumulator]) -> Accumulator:
        return functools.reduce(self.add_input, accumulators, self.create_accumulator())

    def extract_output(self, accumulator: Accumulator) -> Accumulator:
        return accumulator
