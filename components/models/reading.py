"""From artifacts to the rows and the model that is looked into or explained."""

from __future__ import annotations

from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

from components.models import loading, measuring, raw_columns
from components.models.split_reader import SplitReader
from components.models.subject import Subject
from components.models.transformed import IMAGE


class Source:
    """The artifacts that are read, whatever the split.

    Parameters
    ----------
    raw, schema, dataset, transform_graph, projection
        See `SplitReader`.
    model : path
        Model artifact.

    Attributes
    ----------
    features : Features
        What the model takes.
    model : tf_keras.Model or None
        From these to logits or values; None where there is none, as of a TF Lite file.
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
        self._dataset = dataset
        self._reader = SplitReader(raw, schema, dataset, transform_graph, projection)
        self.features = self._reader.features
        self.model = loading.load(model).model if loading.is_model(model) else None
        self._predict = (
            None
            if self.features.image is not None
            else raw_columns.predictor(model, self._reader.served_columns)
        )

    def subject(self, split: str, rows: int, seed: int) -> Subject:
        """Return at most so many rows of a split, drawn by the seed, and the model."""
        dataset, task = self._dataset, self._reader.task
        served = () if self._predict is None else self._reader.served_columns
        time = time_column(dataset)
        wanted = {*served, *(() if time is None else (time,))}
        read = self._reader.read(split, wanted, most=rows, seed=seed)
        columns = {name: read.columns[name] for name in served}
        if self._predict is not None:
            scores = self._predict(columns)
        else:
            assert self.model is not None
            scores = measuring.scores(measuring.outputs(self.model, read.arrays), task)
        return Subject(
            task=task,
            classes=tuple(dataset["classes"]),
            label=dataset["label"],
            columns=columns,
            labels=read.labels,
            scores=scores,
            predict=self._predict,
            images=read.arrays.get(IMAGE),
            model=self.model,
            arrays=read.arrays,
            features=self.features,
            time=None if time is None else read.columns[time],
            row_ids=read.places,
            seed=seed,
        )


def time_column(dataset: dict[str, Any]) -> str | None:
    """Return the column that orders the rows: that of periods or split, or the first of times."""
    names = [column["name"] for column in dataset["columns"]]
    periods, split = dataset.get("periods"), dataset["split"]
    deciding = [periods["column"]] if periods else []
    deciding += [split["column"]] if split["by"] == "time" else []
    times = [column["name"] for column in dataset["columns"] if column["kind"] == "time"]
    return next((name for name in (*deciding, *times) if name in names), None)
