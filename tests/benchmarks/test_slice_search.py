"""The benchmark of the slice search, on a small table."""

import numpy as np
import pytest

from benchmarks import slice_search


def table(rows=6000):
    random = np.random.default_rng(0)
    return {
        "work": random.choice(list("abcdefgh"), rows).astype(object),
        "place": random.choice(list("klmn"), rows).astype(object),
        "age": random.integers(17, 90, rows).astype(float),
    }, random


def test_planted_slices_are_crossed_and_of_the_size():
    columns, _ = table()
    for ranges in (False, True):
        pairs = slice_search.planted(columns, 3, 1, ranges=ranges)
        assert len({frozenset(map(str, pair)) for pair in pairs}) == 3
        for first, second in pairs:
            rows = first.rows(columns) & second.rows(columns)
            assert 0.025 <= rows.mean() <= 0.035
            assert second.is_range == ranges


def test_the_figures():
    columns, random = table()
    labels = random.integers(0, 2, len(columns["age"]))
    scores = np.clip(0.9 * labels + 0.05 + random.normal(0, 0.02, len(labels)), 0.01, 0.99)
    found = slice_search.run(columns, labels, scores, 2)
    assert (found["rank"], found["first"], found["slices"], found["exact"]) == (1, 2, 2, 2)
    assert found["jaccard"] == 1
    assert found["ranges"]["slices"] == found["peer"]["slices"] == 2
    assert 0 <= found["peer"]["jaccard"] <= 1


def test_columns_without_such_slices(monkeypatch):
    columns, _ = table()
    monkeypatch.setattr(slice_search, "SHARES", (0.4, 0.5))
    monkeypatch.setattr(slice_search, "DRAWS", 50)
    with pytest.raises(RuntimeError, match="50 draws"):
        slice_search.planted(columns, 1, 1, ranges=False)


def test_a_slice_that_is_not_found_has_no_rank():
    truth = np.array([True, True, False, False])
    missed = slice_search.outcome([~truth], truth, 0.1)
    found = slice_search.outcome([~truth, truth], truth, 0.1)
    assert (missed.rank, missed.jaccard, found.rank) == (None, 0.0, 2)
    assert slice_search.figures([missed, found])["rank"] is None
    assert slice_search.figures([found])["rank"] == 2


def test_losses_of_flipped_labels():
    scores, labels = np.array([0.9, 0.9]), np.array([1, 1])
    losses = slice_search.losses_with(scores, labels, np.array([False, True]))
    assert np.allclose(losses, -np.log([0.9, 0.1]))
