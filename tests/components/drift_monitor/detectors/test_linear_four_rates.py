"""Linear Four Rates sees what the error rate does not show, and keeps its level."""

import numpy as np
import pytest
from scipy.signal import lfilter

from components.drift_monitor.detectors.alarm_rate import pairs
from components.drift_monitor.detectors.ddm import DDM
from components.drift_monitor.detectors.four_rates_bounds import Bounds
from components.drift_monitor.detectors.linear_four_rates import LFR

SEEDS = 60
#: A fifth of the labels is positive: 0.2 x 0.25 + 0.8 x 0.2 = 0.2 x 0.75 + 0.8 x 0.075 = 0.21.
BEFORE, AFTER = pairs(0.2, 0.75, 0.8), pairs(0.2, 0.25, 0.925)
SMALL = {"samples": 20_000, "drift_level": 0.001}


def test_a_fall_of_the_true_positive_rate_at_a_constant_error_rate_is_found():
    lfr = ddm = ddm_without = 0
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        rows = np.concatenate([BEFORE(random, 1500), AFTER(random, 1500)])
        lfr += bool((LFR(**SMALL).update_many(rows).drifts >= 1500).any())
        errors = rows[:, 0] != rows[:, 1]
        ddm += bool((DDM().update_many(errors).drifts >= 1500).any())
        same = BEFORE(random, 3000)
        ddm_without += bool((DDM().update_many(same[:, 0] != same[:, 1]).drifts >= 1500).any())
    assert lfr >= 0.95 * SEEDS
    # No more than its false alarms on a stream without a change.
    assert ddm <= ddm_without + 0.1 * SEEDS
    assert ddm <= 0.1 * SEEDS


def test_the_rate_that_moved_is_named():
    random = np.random.default_rng(0)
    detector = LFR(**SMALL)
    detector.update_many(BEFORE(random, 1500))
    for row in AFTER(random, 1000).tolist():
        detector.update(row)
        if detector.drift_detected:
            break
    assert detector.drift_detected
    assert any(detector.outside.values())
    assert set(detector.outside) == {"TPR", "TNR", "PPV", "NPV"}


@pytest.mark.parametrize("chance", [0.1, 0.3, 0.5, 0.8])
def test_rates_are_outside_of_their_bounds_at_the_nominal_rate(chance):
    levels = (0.1, 0.02)
    hits = (np.random.default_rng(5).random(300_000) < chance).astype(float)
    rates = lfilter([0.1], [1.0, -0.9], hits)[1000:]
    lower, upper = Bounds(0.9, levels, 30, 20_000, 0).at([chance], [10_000])
    outside = ((rates[:, None] < lower) | (rates[:, None] > upper)).mean(axis=0)
    # Near 0 and 1 rates are discrete, and their bounds on the safe side.
    assert outside == pytest.approx(levels, rel=0.25)


def test_bounds_are_wider_while_there_are_few_rows():
    bounds = Bounds(0.9, (0.05,), 5, 5000, 0)
    lower, upper = bounds.at([0.9, 0.9], [5, 500])
    assert lower[0, 0] < lower[1, 0]
    assert np.all(lower < upper)


def test_a_steady_stream_has_few_alarms():
    random = np.random.default_rng(1)
    found = LFR(**SMALL).update_many(BEFORE(random, 30_000))
    # Two tests a row at a level of 0.001 are 60, of which most follow another at once.
    assert len(found.drifts) < 60


def test_equal_seeds_give_equal_alarms_and_others_nearly():
    rows = np.concatenate(
        [BEFORE(np.random.default_rng(4), 800), AFTER(np.random.default_rng(5), 800)]
    )
    alarms = [LFR(**SMALL, seed=seed).update_many(rows).drifts.tolist() for seed in (0, 0, 1)]
    assert alarms[0] == alarms[1]
    assert abs(alarms[0][-1] - alarms[2][-1]) < 400
