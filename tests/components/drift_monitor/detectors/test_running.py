"""Running minima are those of a loop."""

import numpy as np
import pytest

from components.drift_monitor.detectors.running import CHUNK, hold, minima, run_at_end


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, 3 * CHUNK + 5])
def test_minima_are_those_of_a_loop(strict, size):
    for seed in range(20):
        random = np.random.default_rng(seed)
        values = random.integers(0, 40, size) - 0.05 * np.arange(size)
        before = random.choice([np.inf, 20.0, -5.0])
        lowest, expected = before, []
        for i, value in enumerate(values):
            if value < lowest or (value == lowest and not strict):
                lowest = value
                expected.append(i)
        assert minima(values, before, strict=strict).tolist() == expected


def test_infinite_values_are_no_minima():
    assert minima(np.full(5, np.inf), np.inf).tolist() == []


def test_hold_keeps_what_came_before():
    assert hold(np.array([], int), np.array([]), 3.0, 2).tolist() == [3.0, 3.0]


def test_run_at_end():
    assert run_at_end(np.array([0, 1, 2]), 3) == 3
    assert run_at_end(np.array([], int), 3) == 0
