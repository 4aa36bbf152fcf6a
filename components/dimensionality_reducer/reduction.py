"""Reading transformed examples, and writing reduced ones."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa

from components import examples
from components.dimensionality_reducer.accumulation import MakePipeline
from components.dimensionality_reducer.columns import Batch, Shard
from components.models.projection import Projection, pixels_as_numbers
from components.models.transformed import (
    CATEGORICAL,
    IMAGE,
    LABEL,
    NUMERIC,
    Features,
    ImageFeature,
    to_record_batch,
)


def shards(directory: str | os.PathLike[str], features: Features) -> list[Shard]:
    """Return readers of the files of a split.

    Parameters
    ----------
    directory : path
    features : Features
        What the split holds; the pixels of images are read as numeric columns.
    """
    return [functools.partial(read, path, features) for path in examples.split_files(directory)]


def read(path: str, features: Features) -> Iterator[Batch]:
    """Yield the rows of a file of transformed examples."""
    for batch in examples.read_files([path]):

        def values(name: str, dtype: type[np.generic], width: int, batch: pa.RecordBatch = batch):
            if not width:
                return np.zeros((batch.num_rows, 0), dtype)
            flat = batch.column(name).flatten().to_numpy()
            return flat.astype(dtype, copy=False).reshape(batch.num_rows, width)

        yield Batch(
            _pixels(batch, features.image)
            if features.image is not None
            else values(NUMERIC, np.float32, len(features.numeric)),
            values(CATEGORICAL, np.int64, len(features.categorical)),
            values(LABEL, np.float32 if features.regression else np.int64, 1)[:, 0],
        )


def _pixels(batch: pa.RecordBatch, image: ImageFeature) -> np.ndarray:
    raw = b"".join(batch.column(IMAGE).flatten().to_pylist())
    images = np.frombuffer(raw, np.uint8).reshape(batch.num_rows, *image.shape)
    return np.asarray(pixels_as_numbers(images, image).numpy())


def reduce(projection: Projection, batch: Batch) -> pa.RecordBatch:
    """Return the reduced rows, as they are written."""
    arrays = {**projection.run(batch.features()), LABEL: batch.label}
    return to_record_batch(dict(sorted(arrays.items())))


def write(projection_dir: str, split: Sequence[Shard], directory: str | os.PathLike[str]) -> None:
    """Write a split, reduced."""
    projection = Projection.read(projection_dir)
    examples.write_split(
        (reduce(projection, batch) for shard in split for batch in shard()), directory
    )


class _Reduce(beam.DoFn):
    """Reduces a shard with a projection that each worker loads once."""

    def __init__(self, projection_dir: str) -> None:
        self._directory = projection_dir

    def setup(self) -> None:
        self._projection = Projection.read(self._directory)

    def process(self, shard: Shard) -> Iterator[bytes]:
        for batch in shard():
            yield from examples.encode(reduce(self._projection, batch))


def write_on_beam(
    projection_dir: str,
    splits: dict[str, Sequence[Shard]],
    make_pipeline: MakePipeline,
) -> None:
    """Write splits, reduced, on Beam.

    Parameters
    ----------
    projection_dir : str
        Where the projection is.
    splits : dict
        Output directory -> readers of the split.
    make_pipeline : callable
        Returns the pipeline to run on.
    """
    with make_pipeline() as pipeline:
        for number, (directory, split) in enumerate(splits.items()):
            prefix = str(Path(directory) / examples.FILE_NAME.partition("-")[0])
            _ = (
                pipeline
                | f"Shards{number}" >> beam.Create(list(split))
                | f"Spread{number}" >> beam.Reshuffle()
                | f"Reduce{number}" >> beam.ParDo(_Reduce(projection_dir))
                | f"Write{number}" >> beam.io.WriteToTFRecord(prefix, file_name_suffix=".gz")
            )
