"""From artifacts to the rows and the model that the sections look into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.models import labelled, loading, measuring, raw_columns
from components.models.featurizing import Featurizer, featurized
from components.models.predict import BATCH_ROWS
from components.models.subject import Subject
from components.models.transformed import IMAGE, LABEL, Features


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
        self.features = Features.read(projection or transform_graph)
        self.model = loading.load(model).model if loading.is_model(model) else None
        self._featurizer = Featurizer(transform_graph, projection)
        taken = set(self._featurizer.raw_specification)
        # In the schema's order, in which the served model names its arguments.
        self._columns = [f.name for f in schema.feature if f.name in taken]
        self._predict = (
            None if self.features.image is not None else raw_columns.predictor(model, self._columns)
        )

    def subject(self, split: str, rows: int, seed: int) -> Subject:
        """Return at most so many rows of a split, drawn by the seed, and the model."""
        dataset = self._dataset
        records = [
            record
            for batch in examples.read_records(
                examples.split_files(Path(self._raw) / f"Split-{split}")
            )
            for record in batch
        ]
        chosen = np.arange(len(records))
        if len(records) > rows:
            chosen = np.sort(np.random.default_rng(seed).choice(len(records), rows, replace=False))
        records = [records[row] for row in chosen]
        batches = [records[i : i + BATCH_ROWS] for i in range(0, len(records), BATCH_ROWS)]
        # Made of the same records: on Beam, transformed examples come in an order of their own.
        arrays = featurized(self._featurizer, batches, list(self.features.shapes))
        layout = labelled.Layout(
            dataset["label"], dataset["task"], tuple(dataset["classes"]), (), self._schema
        )
        labels = labelled.read(records, layout).column(0).to_numpy()
        arrays[LABEL] = labels
        time = _time_column(dataset)
        wanted = {*self._columns, time}
        read = raw_columns.read(
            batches,
            schema_pb2.Schema(feature=[f for f in self._schema.feature if f.name in wanted]),
        )
        columns = {} if self._predict is None else {name: read[name] for name in self._columns}
        if self._predict is not None:
            scores = self._predict(columns)
        else:
            assert self.model is not None
            scores = measuring.scores(measuring.outputs(self.model, arrays), dataset["task"])
        return Subject(
            task=dataset["task"],
            classes=tuple(dataset["classes"]),
            label=dataset["label"],
            columns=columns,
            labels=labels,
            scores=scores,
            predict=self._predict,
            images=arrays.get(IMAGE),
            model=self.model,
            arrays=arrays,
            features=self.features,
            time=None if time is None else read[time],
            row_ids=chosen,
            seed=seed,
        )


def _time_column(dataset: dict[str, Any]) -> str | None:
    """Return the column that orders the rows: that of the split, or the first of times."""
    names = [column["name"] for column in dataset["columns"]]
    split = dataset["split"]
    if split["by"] == "time" and split["column"] in names:
        return str(split["column"])
    times = [column["name"] for column in dataset["columns"] if column["kind"] == "time"]
    return times[0] if times else None
