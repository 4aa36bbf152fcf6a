"""Write a data set as splits of tf.Examples, in this process or on Beam."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes

from components import examples, progress
from components.example_gen.dataset import DatasetSpec
from components.example_gen.readers import read_labelled
from components.example_gen.splitting import assign


def write(spec: DatasetSpec, directories: dict[str, str]) -> None:
    """Write all splits in one pass, in the order of the rows.

    Parameters
    ----------
    spec : DatasetSpec
    directories : dict of str to str
        Split name -> directory to write.
    """
    done, total = 0, sum(spec.split_rows.values())
    with contextlib.ExitStack() as stack:
        append = {
            name: stack.enter_context(examples.open_split(directory))
            for name, directory in directories.items()
        }
        for group, files in spec.sources:
            for names, records in _encode(spec, group, files):
                for name, record in zip(names, records, strict=True):
                    append[name](record)
                done += len(records)
                progress.report(done / total, f"{done:,} of {total:,} rows")


def write_on_beam(
    spec: DatasetSpec, directories: dict[str, str], make_pipeline: Callable[[], beam.Pipeline]
) -> None:
    """Write the same rows to the same splits as `write`, each file read by one worker.

    Parameters
    ----------
    spec : DatasetSpec
    directories : dict of str to str
        Split name -> directory to write.
    make_pipeline : callable
        Returns the pipeline to run.
    """
    sources = [(group, file) for group, files in spec.sources for file in files]
    with make_pipeline() as pipeline:
        splits = (
            pipeline
            | "Files" >> beam.Create(sources)
            | "Reshuffle" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(_Read(spec)).with_outputs(*directories)
        )
        for name, directory in directories.items():
            _ = splits[name] | f"Write[{name}]" >> beam.io.WriteToTFRecord(
                os.path.join(directory, "data_tfrecord"),
                file_name_suffix=".gz",
                compression_type=CompressionTypes.GZIP,
            )


class _Read(beam.DoFn):
    """(split or None, file) -> serialized tf.Examples, tagged with their splits."""

    def __init__(self, spec: DatasetSpec) -> None:
        self._spec = spec

    def process(self, element: tuple[str | None, str]) -> Iterator[beam.pvalue.TaggedOutput]:
        group, file = element
        for names, records in _encode(self._spec, group, [file]):
            for name, record in zip(names, records, strict=True):
                yield beam.pvalue.TaggedOutput(name, record)


def _encode(
    spec: DatasetSpec, group: str | None, files: Sequence[str]
) -> Iterator[tuple[Sequence[str], list[bytes]]]:
    """Yield the split of each row and its tf.Example, batch by batch."""
    names = np.array(spec.split_names)
    for batch in read_labelled(spec, files):
        splits = [group] * batch.num_rows if group else names[assign(batch, spec)].tolist()
        yield splits, examples.encode(batch.select(list(spec.names)))
