"""Curves over features as a table, a point a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa


def table(outputs: Sequence[str], features: Sequence[dict[str, Any]], measure: str) -> pa.Table:
    """Return the curves of features.

    Parameters
    ----------
    outputs : sequence of str
    features : sequence of dict
        ``name``, ``numeric``, ``labels``, ``grid``, and the curve [outputs][grid] by `measure`.
    measure : str

    Returns
    -------
    pyarrow.Table
        ``feature``, ``value`` (text), ``number`` (null of categories), ``output``, and the
        measure.
    """
    rows = [
        (each["name"], label, value if each["numeric"] else None, output, size)
        for each in features
        for output, values in zip(outputs, each[measure], strict=True)
        for label, value, size in zip(each["labels"], each["grid"], values, strict=True)
    ]
    names = ["feature", "value", "number", "output", measure]
    types = [pa.string(), pa.string(), pa.float64(), pa.string(), pa.float64()]
    return pa.table(
        {
            name: pa.array([row[index] for row in rows], kind)
            for index, (name, kind) in enumerate(zip(names, types, strict=True))
        }
    )
