"""From artifacts to rows of a split."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.errors import InputError
from components.models import labelled, raw_columns
from components.models.featurizing import Featurizer, featurized
from components.models.metric_names import Task
from components.models.predict import BATCH_ROWS
from components.models.rows import Rows
from components.models.transformed import LABEL, Features


class SplitReader:
    """The artifacts that are read, whatever the split.

    Parameters
    ----------
    raw : path
        Examples artifact.
    schema : Schema
    dataset : dict
        A DatasetSpec as JSON.
    transform_graph, projection : path

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    features : Features
        What models take.
    served_columns : tuple of str
        Raw columns that served models take, in the schema's order, in which they name their
        arguments.
    """

    def __init__(
        self,
        raw: str,
        schema: schema_pb2.Schema,
        dataset: dict[str, Any],
        transform_graph: str,
        projection: str | None,
    ) -> None:
        self._raw, self._schema, self._dataset = raw, schema, dataset
        self.task: Task = dataset["task"]
        self.features = Features.read(projection or transform_graph)
        self._featurizer = Featurizer(transform_graph, projection)
        taken = set(self._featurizer.raw_specification)
        self.served_columns = tuple(f.name for f in schema.feature if f.name in taken)

    def read(
        self,
        split: str,
        columns: Collection[str],
        *,
        most: int | None = None,
        seed: int = 0,
        keep_records: bool = False,
    ) -> Rows:
        """Return rows of a split in their order, all or so many that the seed draws.

        Parameters
        ----------
        split : str
        columns : collection of str
            Raw columns to read.
        most : int, optional
        seed : int
        keep_records : bool

        Raises
        ------
        InputError
            The split has no row.
        """
        dataset = self._dataset
        records = [
            record
            for batch in examples.read_records(
                examples.split_files(Path(self._raw) / f"Split-{split}")
            )
            for record in batch
        ]
        if not records:
            raise InputError(
                f"The split {split!r} has no row.",
                expected="at least one",
                remedy="Add rows, or name another split.",
            )
        places = np.arange(len(records))
        if most is not None and len(records) > most:
            places = np.random.default_rng(seed).choice(len(records), most, replace=False)
            places.sort()
            records = [records[row] for row in places]
        batches = [records[i : i + BATCH_ROWS] for i in range(0, len(records), BATCH_ROWS)]
        # Made of the same records: on Beam, transformed examples come in an order of their own.
        arrays = featurized(self._featurizer, batches, list(self.features.shapes))
        layout = labelled.Layout(
            dataset["label"], dataset["task"], tuple(dataset["classes"]), (), self._schema
        )
        labels = labelled.read(records, layout).column(0).to_numpy()
        arrays[LABEL] = labels.astype(np.float32 if self.features.regression else np.int64)
        wanted = schema_pb2.Schema(feature=[f for f in self._schema.feature if f.name in columns])
        return Rows(
            labels,
            arrays,
            raw_columns.read(batches, wanted),
            tuple(records) if keep_records else (),
            places,
        )
