"""Raw columns as plain arrays, and a served model on them: what a person would type in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.models import labelled
from components.models.export import SERVING_DIRECTORY
from components.models.featurizing import argument_names
from components.models.predict import BATCH_ROWS

#: One array [n] a column: float64 where NaN is a missing value, or text where "" is one.
Columns = dict[str, np.ndarray]


def read(records: Iterable[Sequence[bytes]], schema: schema_pb2.Schema) -> Columns:
    """Return the columns of `schema` of batches of serialized tf.Examples.

    Raises
    ------
    InputError
        For a column with several values in a row.
    """
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    batches = [decoder.DecodeBatch(list(batch)) for batch in records]
    return {
        feature.name: np.concatenate(
            [_values(labelled.flat(batch, feature.name)) for batch in batches]
            or [np.empty(0, object if feature.type == schema_pb2.BYTES else np.float64)]
        )
        for feature in schema.feature
    }


def _values(column: pa.Array) -> np.ndarray:
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        text = [b"" if value is None else value for value in column.to_pylist()]
        return np.array([value.decode(errors="replace") for value in text], object)
    # An empty column has the type null.
    return column.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)


def predictor(
    directory: str | os.PathLike[str], columns: Sequence[str]
) -> Callable[[Columns], np.ndarray]:
    """Return a Model artifact's scores as a function of its raw columns.

    Parameters
    ----------
    directory : path
        A Model artifact with a SavedModel.
    columns : sequence of str
        The columns that the model takes, in the order of the schema.

    Returns
    -------
    callable
        Columns of any number of rows to scores [n, k]; see `components.models.scores`.
    """
    model = tf.saved_model.load(str(Path(directory) / SERVING_DIRECTORY))
    signature = model.signatures["predict"]
    specifications = signature.structured_input_signature[1]
    names = argument_names(columns)

    def predict(values: Columns) -> np.ndarray:
        rows = len(next(iter(values.values())))
        parts = [
            signature(
                **{
                    names[column]: tf.constant(
                        values[column][start : start + BATCH_ROWS],
                        specifications[names[column]].dtype,
                    )
                    for column in columns
                }
            )["scores"].numpy()
            for start in range(0, rows, BATCH_ROWS)
        ]
        # What the functions of a loaded model need lives as long as the model does.
        assert model is not None
        return np.concatenate(parts)

    return predict
