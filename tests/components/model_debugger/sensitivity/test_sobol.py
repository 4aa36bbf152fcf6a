"""Sobol's indices equal known ones, and those of scipy on the same values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from components.model_debugger.sensitivity import sobol

A, B = 7.0, 0.1


def ishigami(places):
    """Return Ishigami and Homma's function (1990), of angles from -pi to pi."""
    x = np.pi * (2 * places - 1)
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def exact():
    """Return its variance, first-order and total indices."""
    one = 0.5 * (1 + B * np.pi**4 / 5) ** 2
    two = A**2 / 8
    both = B**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = one + two + both
    return (
        variance,
        np.array([one, two, 0]) / variance,
        np.array([one + both, two, both]) / variance,
    )


def test_ishigami():
    variance, first, total = exact()
    found = sobol.indices(ishigami, 3, 8192, 1)
    assert found.variance == pytest.approx(variance, rel=0.005)
    assert found.first == pytest.approx(first, abs=0.01)
    assert found.total == pytest.approx(total, abs=0.01)
    for interval, value in ((found.first_interval, first), (found.total_interval, total)):
        assert (interval[:, 0] <= value).all()
        assert (value <= interval[:, 1]).all()
        assert (np.diff(interval, axis=1) < 0.15).all()


def test_the_estimates_are_those_of_scipy():
    random = np.random.default_rng(0)
    a, b = random.random((256, 3)), random.random((256, 3))
    mixed = [np.where(np.arange(3) == i, b, a) for i in range(3)]
    values = [ishigami(a), ishigami(b), np.stack([ishigami(each) for each in mixed])]
    wanted = stats.sobol_indices(
        func={
            "f_A": values[0][None],
            "f_B": values[1][None],
            "f_AB": values[2][:, None],
        },
        n=256,
    )
    found = sobol.estimate(values[0][:, None], values[1][:, None], values[2][..., None], 0)
    assert found.first == pytest.approx(wanted.first_order.ravel())
    assert found.total == pytest.approx(wanted.total_order.ravel())


def test_error_falls_with_the_sample():
    _, first, total = exact()

    def error(samples):
        found = [sobol.indices(ishigami, 3, samples, seed) for seed in range(5)]
        return np.mean([np.abs(each.first - first) + np.abs(each.total - total) for each in found])

    assert error(4096) < 0.3 * error(128)


def test_intervals_hold_the_truth_as_often_as_they_say():
    _, first, total = exact()
    held = [
        (interval[:, 0] <= value) & (value <= interval[:, 1])
        for seed in range(20)
        for found in [sobol.indices(ishigami, 3, 256, seed)]
        for interval, value in ((found.first_interval, first), (found.total_interval, total))
    ]
    assert np.mean(held) >= 0.9


def test_several_outputs_count_by_their_variance():
    def both(places):
        return np.stack([3 * places[:, 0], places[:, 1]], axis=1)

    found = sobol.indices(both, 2, 1024, 3)
    assert found.first == pytest.approx([0.9, 0.1], abs=0.01)
    assert found.total == pytest.approx([0.9, 0.1], abs=0.01)


def test_without_variance_there_are_no_parts_of_it():
    found = sobol.indices(lambda places: np.full(len(places), 0.1, np.float32), 2, 64, 1)
    assert np.isnan(found.first).all()
    assert np.isnan(found.total_interval).all()
    assert found.variance == pytest.approx(0)


def test_equal_seeds_give_equal_indices():
    one, other = (sobol.indices(ishigami, 3, 64, 5) for _ in range(2))
    assert np.array_equal(one.total, other.total)
    assert np.array_equal(one.first_interval, other.first_interval)
    assert not np.array_equal(one.total, sobol.indices(ishigami, 3, 64, 6).total)
