"""What raw examples say of themselves beside the features: label, and columns to slice by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.errors import InputError
from components.models.metric_names import REGRESSION, Task

LABEL_COLUMN = "__label__"

_COLUMN_TYPES = {
    schema_pb2.INT: pa.int64(),
    schema_pb2.FLOAT: pa.float32(),
    schema_pb2.BYTES: pa.string(),
}


@dataclass(frozen=True)
class Layout:
    """What the examples hold and what the table is to hold.

    Attributes
    ----------
    label : str
        Column of the label.
    task : {"binary", "multiclass", "regression"}
    classes : tuple of str
        Values of the label as text; of two, the positive one is last.
    columns : tuple of str
        Columns to keep for slicing.
    schema : Schema
        Types of the examples' features.
    setting : str
        That named the columns.
    """

    label: str
    task: Task
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    schema: schema_pb2.Schema
    setting: str = "evaluator.slices"

    def features(self) -> schema_pb2.Schema:
        """Return the schema of the features that the table is made from, and no others."""
        wanted = {self.label, *self.columns}
        return schema_pb2.Schema(
            feature=[
                schema_pb2.Feature(name=f.name, type=f.type)
                for f in self.schema.feature
                if f.name in wanted
            ]
        )

    def arrow_schema(self) -> pa.Schema:
        """Return the schema of what `read` returns."""
        types = {feature.name: feature.type for feature in self.schema.feature}
        return pa.schema(
            [(LABEL_COLUMN, pa.float64() if self.task == REGRESSION else pa.int64())]
            + [(column, _COLUMN_TYPES[types[column]]) for column in self.columns]
        )


def read(records: Sequence[bytes], layout: Layout) -> pa.RecordBatch:
    """Return label and slice columns of some serialized tf.Examples.

    Returns
    -------
    RecordBatch
        `LABEL_COLUMN`: index of the class, or the number; and `layout.columns`, null where an
        example has no value.

    Raises
    ------
    InputError
        For a label that is none of the classes, and a slice column with several values
        in a row or text that is not UTF-8.
    """
    decoder = example_coder.ExamplesToRecordBatchDecoder(layout.features().SerializeToString())
    batch = decoder.DecodeBatch(list(records))
    schema = layout.arrow_schema()
    arrays = [_labels(flat(batch, layout.label), layout)]
    for column in layout.columns:
        values = flat(batch, column)
        if pa.types.is_floating(values.type):
            # Not a number is no value to slice by.
            values = pc.if_else(pc.is_nan(values), None, values)
        try:
            arrays.append(values.cast(schema.field(column).type))
        except pa.ArrowInvalid as error:
            raise InputError(
                "The data cannot be sliced by a column that is not UTF-8 text.",
                column=column,
                setting=layout.setting,
                got=str(error),
            ) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def flat(batch: pa.RecordBatch, column: str) -> pa.Array:
    """Return a column of lists as single values, null where a list is empty."""
    lists = batch.column(column)
    values, parents = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    if len(np.unique(parents)) != len(parents):
        raise InputError(
            f"The column {column!r} has several values in a row.",
            column=column,
            expected="at most one value in a row of the label and of a column to slice by",
        )
    positions = np.full(len(lists), -1)
    positions[parents] = np.arange(len(parents))
    return values.take(pa.array(positions, mask=positions < 0))


def _labels(values: pa.Array, layout: Layout) -> pa.Array:
    """Return numbers, or the index of each label's class."""
    if layout.task == REGRESSION:
        return values.cast(pa.float64())
    distinct = values.unique()
    indices = {name: index for index, name in enumerate(layout.classes)}
    found = [indices.get(_as_class(value, indices)) for value in distinct.to_pylist()]
    if None in found:
        raise InputError(
            "A label is none of the classes that were found in the train split.",
            column=layout.label,
            expected=", ".join(layout.classes),
            got=_as_class(distinct[found.index(None)].as_py(), indices),
        )
    return pa.array(found, pa.int64()).take(pc.index_in(values, distinct))


def _as_class(value: Any, classes: Mapping[str, int]) -> str:
    """Return a label as the text that stands for its class."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    text = str(value)
    # A column with a missing value is float: 1.0 then stands for the class "1".
    if isinstance(value, float) and text not in classes and value.is_integer():
        return str(int(value))
    return text
