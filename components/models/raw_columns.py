"""Raw columns as plain arrays, and a served model on them: what a person would type in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.models import labelled
from components.models.edge import FEATURIZER_DIRECTORY
from components.models.featurizing import argument_names
from components.models.lite_model import LiteModel
from components.models.predict import BATCH_ROWS
from components.models.rows import Columns
from components.models.served import MODEL_FILE, is_edge, served_directory


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
        A Model artifact: a SavedModel, or a TF Lite file with what makes its inputs.
    columns : sequence of str
        The columns that the model takes, in the order of the schema.

    Returns
    -------
    callable
        Columns of any number of rows to scores [n, k]; see `components.models.scores`.
    """
    served = served_directory(directory)
    lite = LiteModel((served / MODEL_FILE).read_bytes()) if is_edge(served) else None
    model = tf.saved_model.load(str(served if lite is None else served / FEATURIZER_DIRECTORY))
    signature = model.signatures["predict"]
    specifications = signature.structured_input_signature[1]
    names = argument_names(columns)

    def scores(values: Columns) -> np.ndarray:
        answers = signature(
            **{
                names[column]: tf.constant(values[column], specifications[names[column]].dtype)
                for column in columns
            }
        )
        if lite is None:
            return answers["scores"].numpy()
        return lite.scores({name: array.numpy() for name, array in answers.items()})

    def predict(values: Columns) -> np.ndarray:
        rows = len(next(iter(values.values())))
        parts = [
            scores({name: values[name][start : start + BATCH_ROWS] for name in columns})
            for start in range(0, rows, BATCH_ROWS)
        ]
        # What the functions of a loaded model need lives as long as the model does.
        assert model is not None
        return np.concatenate(parts)

    return predict
