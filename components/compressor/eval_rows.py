"""The rows that candidates are judged on: what they take, their labels, their slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.models import labelled
from components.models.featurizing import Featurizer, featurized
from components.models.judge import Judge
from components.models.transformed import Features

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class EvalRows:
    """Rows with known labels.

    Attributes
    ----------
    arrays : dict of array
        What a model takes.
    judge : Judge
        Of all rows.
    slices : dict of str to array of bool
        Rows of each slice, by a name such as ``payment_type=Cash``.
    """

    arrays: Arrays
    judge: Judge
    slices: dict[str, np.ndarray] = field(default_factory=dict)

    def metric(self, scores: np.ndarray) -> float:
        """Return the metric of scores on all rows."""
        return self.judge.measure(scores)[self.judge.metric]

    def by_slice(self, scores: np.ndarray) -> dict[str, float]:
        """Return the metric of scores on each slice where it is defined."""
        found = {
            name: Judge(self.judge.task, self.judge.labels[rows], 0).measure(scores[rows])
            for name, rows in self.slices.items()
        }
        values = {name: each[self.judge.metric] for name, each in found.items()}
        return {name: value for name, value in values.items() if np.isfinite(value)}

    def drop(self, source: float, candidate: float) -> float:
        """Return by how much a candidate's metric is worse than the source's; below 0: better."""
        return source - candidate if self.judge.higher_is_better else candidate - source


def read(
    records: Iterable[Sequence[bytes]],
    layout: labelled.Layout,
    featurizer: Featurizer,
    features: Features,
    *,
    seed: int,
    min_slice_size: int,
) -> EvalRows:
    """Read batches of serialized tf.Examples.

    Parameters
    ----------
    records : iterable of sequence of bytes
    layout : Layout
        Label and slice columns.
    featurizer : Featurizer
    features : Features
        What models take.
    seed : int
        Of the judge's bootstrap.
    min_slice_size : int
        Rows below which a slice is left out; so is one with a single class.
    """

    told = []

    def batches() -> Iterator[Sequence[bytes]]:
        for batch in records:
            told.append(labelled.read(batch, layout))
            yield batch

    arrays = featurized(featurizer, batches(), list(features.shapes))
    table = pa.Table.from_batches(told, layout.arrow_schema())
    labels = table.column(labelled.LABEL_COLUMN).to_numpy()
    return EvalRows(
        arrays,
        Judge(features.task, labels, seed),
        _slices(table, layout.columns, labels, min_slice_size, regression=features.regression),
    )


def _slices(
    table: pa.Table,
    columns: Sequence[str],
    labels: np.ndarray,
    least: int,
    *,
    regression: bool,
) -> dict[str, np.ndarray]:
    found = {}
    for column in columns:
        values = table.column(column)
        for value in sorted(pc.drop_null(values.unique()).to_pylist(), key=str):
            rows = pc.fill_null(pc.equal(values, value), False).to_numpy()
            told = len(np.unique(labels[rows])) > 1 or regression
            if rows.sum() >= least and told:
                found[f"{column}={value}"] = rows
    return found
