"""TFMA itself, on Beam, over stored predictions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer
from tfx_bsl.arrow import table_util

from components.evaluator import predictions
from components.evaluator.eval_config import models


def evaluate(
    stored: Path,
    eval_config: config_pb2.EvalConfig,
    output: str,
    make_pipeline: Callable[[], beam.Pipeline],
) -> list[metrics_for_slice_pb2.MetricsForSlice]:
    """Compute the metrics of stored predictions, and return them.

    Parameters
    ----------
    stored : Path
        Directory of the table; see `components.evaluator.predictions`. Rows with a
        score that is not finite are left out: TFMA would fail on them.
    eval_config : EvalConfig
    output : str
        Directory to which the metrics are also written, as TFMA writes them.
    make_pipeline : callable
        Makes the Beam pipeline to run.

    Notes
    -----
    Intervals come from TFMA's jackknife over 20 parts of the data. Its bootstrap would
    compute every metric 20 times over all rows.
    """
    # TFMA does not expect thresholds on a change of stored predictions; they are not
    # judged here anyway.
    measured = config_pb2.EvalConfig()
    measured.CopyFrom(eval_config)
    for spec in measured.metrics_specs:
        for metric in spec.metrics:
            metric.ClearField("per_slice_thresholds")
    writer = metrics_plots_and_validations_writer.MetricsPlotsAndValidationsWriter(
        output_paths={constants.METRICS_KEY: os.path.join(output, constants.METRICS_KEY)},
        eval_config=measured,
    )
    with make_pipeline() as pipeline:
        (
            pipeline
            | "Files" >> beam.Create(predictions.stored_files(stored))
            | "Read" >> beam.io.ReadAllFromParquetBatched()
            | "Batches" >> beam.FlatMap(_batches, names=models(eval_config))
            | "Evaluate"
            >> model_eval_lib.ExtractEvaluateAndWriteResults(
                eval_config=measured, output_path=output, writers=[writer]
            )
        )
    return list(model_eval_lib.load_metrics(output))


def _batches(table: pa.Table, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the usable rows as TFMA wants them: every column a list per row."""
    for batch in table.filter(pa.array(predictions.finite_rows(table, names))).to_batches():
        if batch.num_rows:
            lists = table_util.CanonicalizeRecordBatch(batch)
            # TFMA finds a value that looks like a number in text, but not in bytes.
            columns = [
                column.cast(pa.large_list(pa.string()))
                if pa.types.is_large_binary(column.type.value_type)
                else column
                for column in lists.columns
            ]
            yield pa.RecordBatch.from_arrays(columns, lists.schema.names)
