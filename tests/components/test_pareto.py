"""The Pareto front holds exactly the points that none dominates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.errors import InputError
from components.pareto import front

# Few values, so that equal coordinates and equal points are common.
VALUES = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, np.inf, np.nan])


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, list[bool]]:
    count, objectives = draw(st.integers(0, 15)), draw(st.integers(1, 4))
    points = draw(hnp.arrays(np.float64, (count, objectives), elements=VALUES))
    return points, draw(st.lists(st.booleans(), min_size=objectives, max_size=objectives))


def dominates(one: np.ndarray, other: np.ndarray, larger: list[bool]) -> bool:
    if np.isnan(one).any():
        return False
    pairs = [(a, b) if up else (-a, -b) for a, b, up in zip(one, other, larger, strict=True)]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


@given(problems())
@settings(max_examples=200, deadline=None)
def test_agrees_with_the_definition(problem: tuple[np.ndarray, list[bool]]) -> None:
    points, larger = problem
    expected = [
        not np.isnan(point).any() and not any(dominates(other, point, larger) for other in points)
        for point in points
    ]
    assert front(points, larger).tolist() == expected


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_neither_order_nor_copies_matter(problem, random) -> None:
    points, larger = problem
    order = random.sample(range(len(points)), len(points))
    kept = front(points, larger)
    assert front(points[order], larger).tolist() == kept[order].tolist()
    assert front(np.concatenate([points, points]), larger).tolist() == [*kept, *kept]


def test_one_objective_keeps_all_the_best() -> None:
    points = np.array([[3.0], [1.0], [3.0]])
    assert front(points, [True]).tolist() == [True, False, True]
    assert front(points, [False]).tolist() == [False, True, False]


def test_points_that_are_not_known_are_not_on_it() -> None:
    points = np.array([[np.nan, 9.0], [1.0, 1.0]])
    assert front(points, [True, True]).tolist() == [False, True]
    assert front(points[:1], [True, True]).tolist() == [False]


def test_no_points_have_no_front() -> None:
    assert front(np.empty((0, 2)), [True, False]).shape == (0,)


def test_directions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="directions"):
        front(np.zeros((3, 2)), [True])
