"""From artifacts to rows and the model that is held against the checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.models import labelled, loading, predict, raw_columns
from components.models.featurizing import Featurizer, featurized
from components.models.metric_names import Task
from components.models.predict import BATCH_ROWS
from components.models.transformed import LABEL, Features
from components.remediator.rows import Rows


class Source:
    """The artifacts that are read, whatever the split.

    Parameters
    ----------
    raw : path
        Examples artifact.
    schema : Schema
    dataset : dict
        A DatasetSpec as JSON.
    transform_graph, projection : path
    model : path
        Model artifact.
    """

    def __init__(
        self,
        raw: str,
        schema: schema_pb2.Schema,
        dataset: dict[str, Any],
        transform_graph: str,
        projection: str | None,
        model: str,
    ) -> None:
        self._raw, self._schema, self._dataset = raw, schema, dataset
        self.task: Task = dataset["task"]
        self.features = Features.read(projection or transform_graph)
        self.loaded = loading.load(model)
        self._featurizer = Featurizer(transform_graph, projection)
        taken = set(self._featurizer.raw_specification)
        #: Raw columns that the served model takes, in the schema's order.
        self.served_columns = tuple(f.name for f in schema.feature if f.name in taken)

    def rows(
        self,
        split: str,
        columns: frozenset[str],
        *,
        most: int | None = None,
        seed: int = 0,
        scored: bool = False,
    ) -> Rows:
        """Return rows of a split in their order, all or so many that the seed draws.

        Parameters
        ----------
        split : str
        columns : frozenset of str
            Raw columns to read.
        most : int, optional
        seed : int
        scored : bool
            Whether the records are kept.
        """
        dataset = self._dataset
        records = [
            record
            for batch in examples.read_records(
                examples.split_files(Path(self._raw) / f"Split-{split}")
            )
            for record in batch
        ]
        if most is not None and len(records) > most:
            chosen = np.random.default_rng(seed).choice(len(records), most, replace=False)
            records = [records[row] for row in np.sort(chosen)]
        batches = [records[i : i + BATCH_ROWS] for i in range(0, len(records), BATCH_ROWS)]
        # Made of the same records: on Beam, transformed examples come in an order of their own.
        arrays = featurized(self._featurizer, batches, list(self.features.shapes))
        layout = labelled.Layout(
            dataset["label"], dataset["task"], tuple(dataset["classes"]), (), self._schema
        )
        labels = labelled.read(records, layout).column(0).to_numpy()
        arrays[LABEL] = labels.astype(np.float32 if self.features.regression else np.int64)
        wanted = schema_pb2.Schema(feature=[f for f in self._schema.feature if f.name in columns])
        # A decoder of no column at all would decode them all.
        read = raw_columns.read(batches, wanted) if wanted.feature else {}
        return Rows(labels, arrays, read, tuple(records) if scored else ())

    def raw_predictor(self, directory: str | Path) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
        """Return a saved model's scores [n, k] as a function of its raw columns."""
        return raw_columns.predictor(directory, self.served_columns)


def served_scores(directory: str | Path, rows: Rows) -> np.ndarray:
    """Return the scores [n, k] that a saved model serves for rows with their records."""
    scores = predict.load(directory).predict_examples(list(rows.records))
    return scores[:, np.newaxis] if scores.ndim == 1 else scores
