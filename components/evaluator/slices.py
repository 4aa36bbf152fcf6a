"""Rows of a table by TFMA's slicing specs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

SliceKey = tuple[tuple[str, str | int | float], ...]

OVERALL: SliceKey = slicer_lib.OVERALL_SLICE_KEY


def group(table: pa.Table, specs: Iterable[config_pb2.SlicingSpec]) -> dict[SliceKey, np.ndarray]:
    """Return the rows of each slice, with the slices and keys that TFMA would make.

    A row without a value in one of a spec's columns is in none of its slices. A
    slice that several specs make is there once; one without rows is not there.
    """
    groups: dict[SliceKey, np.ndarray] = {}
    for spec in specs:
        # TFMA's own reading of the values: "3" is also the number 3.
        fixed = slicer_lib.SingleSliceSpec(spec=spec)._value_matches
        rows = np.arange(table.num_rows)
        for column, value in fixed:
            rows = rows[_equal(table.column(column), value)[rows]]
        for key, members in _by_value(table, sorted(spec.feature_keys), rows):
            groups.setdefault(tuple(sorted([*fixed, *key])), members)
    return groups


def of_one_class(
    table: pa.Table, specs: Iterable[config_pb2.SlicingSpec], label: str
) -> set[SliceKey]:
    """Return the slices whose rows all have the same label."""
    labels = table.column(label).to_numpy()
    return {
        key
        for key, rows in group(table, specs).items()
        if len(rows) and (labels[rows] == labels[rows[0]]).all()
    }


def _equal(column: pa.ChunkedArray, value: str | int | float) -> np.ndarray:
    text = pa.types.is_string(column.type)
    if not text and isinstance(value, str):
        return np.zeros(len(column), bool)
    other = pa.scalar(str(value)) if text else pa.scalar(value)
    return pc.fill_null(pc.equal(column, other), False).to_numpy()


def _by_value(
    table: pa.Table, columns: list[str], rows: np.ndarray
) -> list[tuple[list[tuple[str, str | int | float]], np.ndarray]]:
    """Split `rows` by every combination of values in `columns`."""
    groups: list[tuple[list[tuple[str, str | int | float]], np.ndarray]]
    groups = [([], rows)] if len(rows) else []
    for column in columns:
        encoded = table.column(column).combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy()
        values = encoded.dictionary.to_pylist()
        split = []
        for key, members in groups:
            order = members[np.argsort(codes[members], kind="stable")]
            found, starts = np.unique(codes[order], return_index=True)
            for code, part in zip(found, np.split(order, starts[1:]), strict=True):
                if code >= 0:
                    split.append(([*key, (column, values[code])], part))
        groups = split
    return groups
