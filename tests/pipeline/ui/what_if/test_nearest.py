"""The nearest rows are those that a search row by row finds."""

import numpy as np
import pytest

from components.explainer import axes
from components.explainer.counterfactuals.space import Space
from pipeline.ui.what_if.worker.nearest import nearest


def table(rows, seed):
    random = np.random.default_rng(seed)
    size = random.lognormal(size=rows)
    size[random.random(rows) < 0.1] = np.nan
    return {
        "size": size,
        "count": random.integers(0, 30, rows).astype(float),
        "color": random.choice(["red", "green", "blue", ""], rows).astype(object),
    }


@pytest.fixture(scope="module")
def columns():
    return table(400, 1)


@pytest.fixture(scope="module")
def made(columns):
    return {name: axes.axis(name, (name,), columns) for name in columns}


def points(made, columns):
    return np.stack([axis.encode(columns) for axis in made.values()], axis=1)


@pytest.fixture(scope="module")
def space(made, columns):
    return Space(list(made.values()), points(made, columns)[:100])


def distance(columns, row, own):
    """Return the distance of a row, term by term, from median absolute deviations."""
    total = 0.0
    for name, values in columns.items():
        here, there = own[name][0], values[row]
        if isinstance(here, str):
            total += here != there
        elif np.isnan(here) or np.isnan(there):
            total += not (np.isnan(here) and np.isnan(there))
        else:
            known = values[~np.isnan(values)]
            total += abs(here - there) / np.median(np.abs(known - np.median(known)))
    return total


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_rows_are_those_of_a_search_row_by_row(columns, made, space, seed):
    own = table(1, 100 + seed)
    other = np.random.default_rng(seed).random(400) < 0.3
    found = nearest(space, points(made, columns), points(made, own)[0], other, 3)
    expected = sorted((distance(columns, row, own), row) for row in np.flatnonzero(other))[:3]
    assert [(each.distance, each.place) for each in found] == [
        (pytest.approx(far), row) for far, row in expected
    ]
    for each in found:
        assert each.parts.sum() == pytest.approx(each.distance)


def test_a_category_that_no_row_has_differs_from_every_row(columns, made, space):
    own = {name: values[:1].copy() for name, values in columns.items()}
    own["color"] = np.array(["gold"], object)
    [found] = nearest(space, points(made, columns), points(made, own)[0], np.arange(400) == 0, 1)
    assert found.distance == pytest.approx(1)
    assert found.parts.tolist() == [0, 0, 1]


def test_without_a_row_of_another_answer_there_is_no_neighbour(columns, made, space):
    everything = points(made, columns)
    assert nearest(space, everything, everything[0], np.zeros(400, bool), 3) == []
