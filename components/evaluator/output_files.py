"""An evaluation's files as TFMA lays them out, so that its loaders read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf
from google.protobuf import json_format, message
from tensorflow_model_analysis import constants, version
from tensorflow_model_analysis.proto import (
    config_pb2,
    metrics_for_slice_pb2,
    validation_result_pb2,
)
from tensorflow_model_analysis.writers import eval_config_writer

from components import files

_SUFFIX = ".tfrecord"


def write_metrics(
    metrics: Iterable[metrics_for_slice_pb2.MetricsForSlice], directory: Path
) -> None:
    """Write what `tfma.load_metrics` reads."""
    _write_records(metrics, directory / f"{constants.METRICS_KEY}-00000-of-00001{_SUFFIX}")


def write_validation(validation: validation_result_pb2.ValidationResult, directory: Path) -> None:
    """Write what `tfma.load_validation_result` reads."""
    _write_records([validation], directory / f"{constants.VALIDATIONS_KEY}{_SUFFIX}")


def write_eval_config(
    eval_config: config_pb2.EvalConfig, data: str, models: dict[str, str], directory: Path
) -> None:
    """Write what `tfma.load_eval_result` reads besides the metrics.

    Parameters
    ----------
    eval_config : EvalConfig
    data : str
        Directory of the examples.
    models : dict of str to str
        Directory of each model.
    directory : Path
        Where to write.
    """
    run = config_pb2.EvalRun(
        eval_config=eval_config,
        version=version.VERSION,
        data_location=data,
        file_format="tfrecords",
        # TFMA leaves out the name of a model that is alone.
        model_locations=models if len(models) > 1 else {"": next(iter(models.values()))},
    )
    name = f"{eval_config_writer.EVAL_CONFIG_FILE}.{eval_config_writer.EVAL_CONFIG_FILE_FORMAT}"
    files.write_bytes(directory / name, json_format.MessageToJson(run).encode())


def _write_records(messages: Iterable[message.Message], path: Path) -> None:
    with files.atomic_path(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for item in messages:
            writer.write(item.SerializeToString())
