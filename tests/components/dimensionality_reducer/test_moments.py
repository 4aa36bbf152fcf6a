"""Moments are exact, however the rows are cut and wherever they are summed up."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from apache_beam import Pipeline
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from components.dimensionality_reducer.accumulation import Together, accumulate
from components.dimensionality_reducer.columns import Columns
from components.dimensionality_reducer.moments import Moments
from components.dimensionality_reducer.sample import Sample
from tests.components.dimensionality_reducer.data import columns_of, rows_of, shards


def make_pipeline():
    return Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))


def start(columns: Columns, size: int, shard: int) -> Together:
    return Together(Moments(columns), Sample(columns, size, 3, shard))


def both(batch, columns, pipeline=None, size=40, **cut):
    return accumulate(shards(batch, **cut), functools.partial(start, columns, size), pipeline).parts


def dense(batch, columns):
    """Return columns and targets of the rows, with all indicators written out."""
    indicators = [
        np.eye(column.size)[batch.categorical[:, i]] for i, column in enumerate(columns.one_hot)
    ]
    return np.concatenate([batch.numeric, *indicators, columns.target(batch)], axis=1)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 200),
    width=st.integers(0, 6),
    sizes=st.lists(st.integers(1, 5), max_size=3),
    classes=st.sampled_from([0, 3]),
    offset=st.sampled_from([0.0, 1e5]),
    count=st.integers(1, 5),
    size=st.integers(1, 80),
    seed=st.integers(0, 1000),
)
def test_moments_are_those_of_all_rows(rows, width, sizes, classes, offset, count, size, seed):
    random = np.random.default_rng(seed)
    batch = rows_of(
        random.normal(offset, 1.0, (rows, width)),
        random.integers(0, 3, rows) if classes else random.normal(size=rows),
        np.stack([random.integers(0, size, rows) for size in sizes], axis=1) if sizes else None,
    )
    columns = columns_of(batch, classes, tuple(sizes))
    moments, _ = both(batch, columns, count=count, size=40)
    expected = dense(batch, columns).astype(np.float64)
    deviations = expected - expected.mean(axis=0)
    assert moments.count == rows
    np.testing.assert_allclose(moments.mean, expected.mean(axis=0), rtol=1e-12, atol=1e-12)
    # No digit of a deviation is lost to the size of the mean.
    np.testing.assert_allclose(
        moments.scatter, deviations.T @ deviations, rtol=1e-9, atol=1e-9 * rows
    )
    reduced = expected[:, : columns.width]
    np.testing.assert_array_equal(moments.low, reduced.min(axis=0))
    np.testing.assert_array_equal(moments.high, reduced.max(axis=0))


@pytest.fixture(scope="module")
def some_rows():
    random = np.random.default_rng(0)
    return rows_of(
        random.normal(size=(500, 4)), random.integers(0, 3, 500), random.integers(0, 6, (500, 1))
    )


def test_beam_sums_up_the_same(some_rows):
    columns = columns_of(some_rows, 3, (6,))
    ours, theirs = both(some_rows, columns), both(some_rows, columns, make_pipeline)
    for name in Moments.ARRAYS:
        np.testing.assert_allclose(getattr(theirs[0], name), getattr(ours[0], name), atol=1e-10)
    for name in Sample.ARRAYS:
        np.testing.assert_array_equal(getattr(theirs[1], name), getattr(ours[1], name))


def test_a_sample_is_bounded_and_depends_on_no_batches(some_rows):
    columns = columns_of(some_rows, 3, (6,))
    _, sample = both(some_rows, columns, size=40)
    _, other = both(some_rows, columns, size=40)
    assert len(sample.rows()) == 40
    np.testing.assert_array_equal(sample.numeric, other.numeric)
    known = {tuple(row) for row in some_rows.numeric.tolist()}
    assert {tuple(row) for row in sample.numeric.tolist()} <= known
    # Rows stay together with their labels.
    labels = dict(zip(map(tuple, some_rows.numeric.tolist()), some_rows.label, strict=True))
    assert [labels[tuple(row)] for row in sample.numeric.tolist()] == sample.label.tolist()


def test_a_sample_takes_all_rows_if_there_are_few(some_rows):
    columns = columns_of(some_rows, 3, (6,))
    _, sample = both(some_rows, columns, size=1000)
    assert sorted(sample.numeric[:, 0]) == sorted(some_rows.numeric[:, 0])


def test_every_row_is_as_likely_in_a_sample():
    batch = rows_of(np.arange(200)[:, None], np.zeros(200))
    columns = columns_of(batch)
    taken = np.zeros(200)
    for seed in range(300):
        maker = functools.partial(_sample, columns, seed)
        taken[accumulate(shards(batch), maker).numeric[:, 0].astype(int)] += 1
    # 300 draws of 20 of 200: 30 each, with a standard deviation of 5.2.
    assert abs(taken - 30).max() < 5 * 5.2


def _sample(columns: Columns, seed: int, shard: int) -> Sample:
    return Sample(columns, 20, seed, shard)
