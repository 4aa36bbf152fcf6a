"""Statistics of a split by TensorFlow Data Validation, in this process or on Beam."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator

import apache_beam as beam
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.arrow import table_util

from components import examples
from components.statistics_gen.config import StatisticsConfig


def options(config: StatisticsConfig) -> tfdv.StatsOptions:
    """Return TFDV's options for `config`."""
    return tfdv.StatsOptions(
        num_histogram_buckets=config.histogram_buckets,
        num_quantiles_histogram_buckets=config.quantiles_buckets,
        num_top_values=config.top_values,
    )


def compute(
    directory: str, config: StatisticsConfig, omit: Collection[str] = ()
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return the statistics of the split in `directory`, computed in memory.

    Columns in `omit` are left out: whole files, of which a histogram would say nothing.

    TFDV's own in-memory path runs the generators of its Beam pipeline on one batch,
    so that it gives what `compute_on_beam` gives.
    """
    batches = [batch for path in examples.split_files(directory) for batch in _read(path, omit)]
    merged = table_util.MergeRecordBatches(batches) if batches else pa.record_batch([], [])
    return stats_impl.generate_statistics_in_memory(merged, options(config))


def compute_on_beam(
    directory: str,
    config: StatisticsConfig,
    make_pipeline: Callable[[], beam.Pipeline],
    temporary: str,
    omit: Collection[str] = (),
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return the statistics of the split in `directory`, computed on Beam."""
    output = os.path.join(temporary, "statistics.pb")
    with make_pipeline() as pipeline:
        (
            pipeline
            | "Files" >> beam.Create(examples.split_files(directory))
            | "Reshuffle" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(_read, tuple(omit))
            | "Compute" >> tfdv.GenerateStatistics(options(config))
            | "Write" >> tfdv.WriteStatisticsToBinaryFile(output)
        )
    return tfdv.load_stats_binary(output)


def _read(path: str, omit: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield a record file's batches without the columns in `omit`."""
    for batch in examples.read_files([path]):
        yield batch.select([name for name in batch.schema.names if name not in omit])
