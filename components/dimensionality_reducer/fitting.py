"""From settings and data to a fitted method: what is checked, and which way is taken."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components import progress
from components.dimensionality_reducer import checks, selection
from components.dimensionality_reducer.accumulation import MakePipeline, Together, accumulate
from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream
from components.dimensionality_reducer.columns import Batch, Columns, Shard
from components.dimensionality_reducer.config import SECTION, ReducerConfig
from components.dimensionality_reducer.moments import Moments
from components.dimensionality_reducer.reducers import REDUCERS
from components.dimensionality_reducer.sample import Sample
from components.dimensionality_reducer.scaling import Scaling
from components.errors import InputError

#: Rows in the sample that stands for all where a method cannot sum them up.
SAMPLE_ROWS = 20_000
#: Numbers in the largest matrix that is handed to scikit-learn: half a gigabyte.
DENSE_NUMBERS = 1 << 26


@dataclass(frozen=True)
class Fit:
    """What came of it.

    Attributes
    ----------
    method : str
        Of the table, or ``none``.
    basis : Basis or None
        None for the method ``none``.
    scaling : Scaling
    statistics : Statistics
    sample : Batch
        Rows of the train split.
    selection : selection.Selection or None
        How method or number were chosen, if they were.
    notes : tuple of str
    """

    method: str
    basis: Basis | None
    scaling: Scaling
    statistics: Statistics
    sample: Batch
    selection: selection.Selection | None
    notes: tuple[str, ...]


def fit(
    shards: Sequence[Shard],
    columns: Columns,
    config: ReducerConfig,
    make_pipeline: MakePipeline | None = None,
) -> Fit:
    """Fit the configured method to the train split.

    Parameters
    ----------
    shards : sequence of Shard
    columns : Columns
    config : ReducerConfig
        With another method than ``none``.
    make_pipeline : callable, optional
        Returns the Beam pipeline to run passes over all rows on; without it, they run in
        this process, and scikit-learn fits if the rows fit into memory.

    Raises
    ------
    InputError
        If the data do not allow the method or the number of components.
    """
    progress.report(0.0, "reading the train split")
    total = accumulate(shards, functools.partial(_start, columns, config.seed), make_pipeline)
    moments, sample = total.parts
    assert isinstance(moments, Moments)
    assert isinstance(sample, Sample)
    if moments.count < 2:
        raise InputError(
            "The train split has too few rows to reduce its columns.",
            expected="at least 2",
            got=moments.count,
        )
    scaling = Scaling.of(moments, config.standardize)
    statistics = Statistics.of(moments, scaling)
    notes = _constants(scaling.dropped(columns.names))
    method, components, chosen = config.method, config.components, None
    if method != "auto":
        checks.check(method, columns, scaling, statistics)
    elif isinstance(components, float):
        raise InputError(
            "A share of the variance is no number of components for all methods.",
            setting=f"{SECTION}.components",
            expected="a number of components, or auto",
            got=components,
            remedy=f"Set {SECTION}.method to pca or svd.",
        )
    if method == "auto" or components == "auto":
        progress.report(0.2, "choosing by cross-validation")
        chosen = selection.select(config, columns, scaling, statistics, sample.rows())
        method, components = chosen.method, chosen.components
        notes += chosen.notes
    basis = None
    if method != "none":
        progress.report(0.5, f"fitting {method}")
        number = checks.resolve(method, components, statistics)
        reducer = REDUCERS[method]
        stream = Stream(
            columns,
            scaling,
            statistics,
            sample.rows(),
            lambda start: accumulate(shards, start, make_pipeline),
        )
        if make_pipeline is None and moments.count * columns.width <= DENSE_NUMBERS:
            basis = reducer.fit(_rows(shards, columns, scaling, statistics), number, config.seed)
        else:
            basis = reducer.fit_stream(stream, number, config.seed)
        notes += basis.notes
    return Fit(method, basis, scaling, statistics, sample.rows(), chosen, notes)


def _constants(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (f"Constant on the train split, and left out: {checks.listed(names)}.",)


def _start(columns: Columns, seed: int, shard: int) -> Together:
    return Together(Moments(columns), Sample(columns, SAMPLE_ROWS, seed, shard))


def _rows(
    shards: Sequence[Shard], columns: Columns, scaling: Scaling, statistics: Statistics
) -> Rows:
    parts = [
        (scaling.dense(columns.design(batch)), batch.label, columns.target(batch))
        for shard in shards
        for batch in shard()
    ]
    x, label, targets = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Rows(x, label, targets, statistics)
