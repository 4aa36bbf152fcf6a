"""From artifacts to spans."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.drift_monitor.span import Problem, Span
from components.models import predict, raw_columns
from components.models.metric_names import REGRESSION
from components.models.predict import BATCH_ROWS
from components.models.reading import time_column
from components.models.transformed import IMAGE
from components.spans import KEY, TIME


@dataclass(frozen=True)
class Read:
    """A span as it was read.

    Attributes
    ----------
    span : Span
    places : ndarray, shape [n]
        Of the rows in their split.
    notes : tuple of str
        What is odd about the rows.
    uri : str
        Directory of the split.
    digest : str
        SHA-256 over the rows, in their order.
    """

    span: Span
    places: NDArray[np.int64]
    notes: tuple[str, ...]
    uri: str
    digest: str


class SpanReader:
    """Reads splits of later data, or of the data that were trained on, with models' scores.

    Parameters
    ----------
    schema : Schema
    dataset : dict
        A DatasetSpec as JSON.
    models : dict of str to str
        Model artifacts by name.

    Attributes
    ----------
    problem : Problem
    time : str or None
        Column that orders the rows.
    schema : Schema
    """

    def __init__(
        self, schema: schema_pb2.Schema, dataset: dict[str, Any], models: dict[str, str]
    ) -> None:
        self.problem = Problem(dataset["task"], dataset["label"], tuple(dataset["classes"]))
        self.time = time_column(dataset)
        features = {feature.name: feature for feature in schema.feature}
        self._label = features[self.problem.label]
        self.schema = schema
        self._columns = [
            feature
            for name, feature in features.items()
            if name not in (self.problem.label, IMAGE if dataset.get("image") else None)
        ]
        self._models = {name: predict.load(uri) for name, uri in models.items()}

    def read(
        self,
        directory: str,
        name: str,
        *,
        most: int | None = None,
        seed: int = 0,
        later: bool = False,
    ) -> Read:
        """Return a split's rows in the order of their times.

        Parameters
        ----------
        directory : path
        name : str
            Of the span.
        most : int, optional
            At most so many rows, drawn by the seed.
        seed : int
        later : bool
            Whether the rows may have keys and times that are no features.
        """
        paths = examples.split_files(directory) if Path(directory).is_dir() else []
        records = [record for batch in examples.read_records(paths) for record in batch]
        places = np.arange(len(records))
        if most is not None and len(records) > most:
            places = np.sort(np.random.default_rng(seed).choice(len(records), most, replace=False))
            records = [records[place] for place in places]
        wanted = [*self._columns, self._label]
        if later:
            wanted.append(schema_pb2.Feature(name=KEY, type=schema_pb2.BYTES))
            wanted.append(schema_pb2.Feature(name=TIME, type=schema_pb2.INT))
        batches = [records[i : i + BATCH_ROWS] for i in range(0, len(records), BATCH_ROWS)]
        columns = raw_columns.read(batches, schema_pb2.Schema(feature=wanted))
        labels = self._as_numbers(columns.pop(self.problem.label))
        keys, apart = columns.pop(KEY, None), columns.pop(TIME, None)
        if keys is not None and not keys.any():
            keys = None
        # What orders the rows is other in each span, and is no drift.
        times = columns.pop(self.time) if self.time in columns else apart
        if times is not None and np.isnan(times).all():
            times = None
        scores = {
            model: _wide(predictor.predict_examples(records))
            for model, predictor in self._models.items()
        }
        span = Span(name, columns, labels, scores, times, keys)
        hashes = _hash_rows([*(columns[name] for name in sorted(columns)), labels])
        repeated = len(hashes) - len(np.unique(hashes))
        notes = []
        if repeated:
            notes.append(f"{repeated:,} of {len(hashes):,} rows are copies of others.")
        if times is not None and (np.diff(times[~np.isnan(times)]) < 0).any():
            # Rows without a time stay where they were, before the one that follows them.
            order = np.argsort(_filled(times), kind="stable")
            span, places = span.take(order), places[order]
            notes.append("The rows were not in the order of their times, and were sorted.")
        return Read(span, places, tuple(notes), str(directory), _digest(hashes))

    def _as_numbers(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        if self.problem.task == REGRESSION:
            return labels.astype(np.float64)
        indices = {name: float(index) for index, name in enumerate(self.problem.classes)}
        if labels.dtype == object:
            return np.array([indices.get(value, np.nan) for value in labels], np.float64)
        return np.array(
            [np.nan if np.isnan(v) else indices[str(int(v))] for v in labels], np.float64
        )

    def as_label(self, value: Any) -> float:
        """Return a stored label as the number that stands for it."""
        if self.problem.task == REGRESSION:
            return float(value)
        return float(self.problem.classes.index(str(value)))


def _wide(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return scores as an array of two dimensions."""
    wide = scores[:, np.newaxis] if scores.ndim == 1 else scores
    return np.asarray(wide, np.float64)


def _filled(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return times with each missing one as the next known, or as the last."""
    known = np.flatnonzero(~np.isnan(times))
    following = known[np.minimum(np.searchsorted(known, np.arange(len(times))), len(known) - 1)]
    return times[following]


def _hash_rows(columns: list[NDArray[Any]]) -> NDArray[np.uint64]:
    """Return a hash of the values in each row."""
    hashes = np.zeros(len(columns[0]), np.uint64)
    for values in columns:
        hashes = hashes * np.uint64(1_000_003) + pd.util.hash_array(values, categorize=False)
    return hashes


def _digest(hashes: NDArray[np.uint64]) -> str:
    return hashlib.sha256(hashes.tobytes()).hexdigest()
