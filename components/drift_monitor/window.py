"""Rows to train anew on after an alarm: those since the change, and before it if they are few."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components import examples, files
from components.drift_monitor.history import History
from components.drift_monitor.span import Problem
from components.errors import InputError
from components.models import labelled

_TYPES = {
    schema_pb2.INT: pa.int64(),
    schema_pb2.FLOAT: pa.float32(),
    schema_pb2.BYTES: pa.string(),
}


def choose(history: History, alarms: list[dict[str, Any]], min_rows: int) -> dict[str, Any]:
    """Return which rows are to be trained on.

    Parameters
    ----------
    history : History
        The alarms' span is its last.
    alarms : list of dict
        At least one.
    min_rows : int
        Labelled rows that are needed.

    Returns
    -------
    dict
        ``first`` (position in the stream of errors), ``rows``, ``time`` of the first, ``change``
        (the position from which on all is new), and ``lacking``: a sentence if there are not
        enough rows, or None.
    """
    indices = history.of_model()
    known = np.sort(np.concatenate([history.positions(i) for i in indices]))
    known = known[known >= 0]
    changes = [alarm["change_row"] for alarm in alarms if alarm["change_row"] is not None]
    if changes:
        # Detectors date a change differently, and one may be far off.
        change = statistics.median_low(changes)
    else:
        # Features or groups of rows tell no row: the change is at the first of the spans at the
        # end which all had such an alarm.
        first = len(history.spans) - 1
        for index in reversed(indices):
            if not history.spans[index]["alarms"]:
                break
            first = index
        inside = history.positions(first)
        inside = inside[inside >= 0]
        change = int(inside.min()) if len(inside) else int(known[-1]) + 1 if len(known) else 0
    since = int((known >= change).sum())
    rows = min(max(since, min_rows), len(known))
    start = int(known[len(known) - rows]) if rows else change
    lacking = None
    if rows < min_rows:
        lacking = (
            f"only {rows:,} labelled rows came since training, and monitor.retrain.min_rows is "
            f"{min_rows:,}"
        )
    return {
        "first": start,
        "rows": rows,
        "change": change,
        "since_change": since,
        "time": history.time_of(start),
        "lacking": lacking,
    }


def write(
    history: History,
    window: dict[str, Any],
    schema: schema_pb2.Schema,
    problem: Problem,
    key: str | None,
    path: Path,
) -> list[str]:
    """Write the rows of a window as a table like the data, with the labels known by now.

    Returns the columns that have no value in it.

    Parameters
    ----------
    history : History
    window : dict
        See `choose`.
    schema : Schema
        Of the stored rows.
    problem : Problem
    key : str or None
        Column of the keys.
    path : path
        Parquet file to write.
    """
    parts = []
    for index in history.of_model():
        rows = np.flatnonzero(history.positions(index) >= window["first"])
        if not len(rows):
            continue
        table = history.table(index)
        places = table.column("place").to_numpy()[rows]
        part = _stored(_records(history.spans[index]["uri"], places), schema)
        labels = table.column("label").to_numpy()[rows]
        part[problem.label] = _as_stored(labels, part[problem.label].type, problem)
        if key is not None and key not in part:
            known = table.column("key") if "key" in table.schema.names else None
            part[key] = pa.nulls(len(rows), pa.string()) if known is None else known.take(rows)
        parts.append(pa.table(part))
    table = pa.concat_tables(parts)
    with files.atomic_path(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)
    return [name for name in table.schema.names if table.column(name).null_count == len(table)]


def _records(uri: str, places: NDArray[np.int64]) -> list[bytes]:
    directory = Path(uri)
    if not directory.is_dir():
        raise InputError(
            "The rows of a span that was monitored are gone.",
            file=uri,
            remedy="Train anew by run, on data that hold them.",
        )
    records = [
        record
        for batch in examples.read_records(examples.split_files(directory))
        for record in batch
    ]
    return [records[place] for place in places]


def _stored(records: list[bytes], schema: schema_pb2.Schema) -> dict[str, pa.Array]:
    """Return the columns of serialized tf.Examples, in the types of their features."""
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())
    batch = decoder.DecodeBatch(records)
    return {
        feature.name: labelled.flat(batch, feature.name).cast(_TYPES[feature.type])
        for feature in schema.feature
    }


def _as_stored(labels: NDArray[np.float64], kind: pa.DataType, problem: Problem) -> pa.Array:
    if not problem.classes:
        return pa.array(labels).cast(kind)
    names = pa.array([problem.classes[int(label)] for label in labels])
    return names.cast(kind)
