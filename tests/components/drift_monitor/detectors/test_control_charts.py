"""Control charts find a change of any metric and know when all values are equal."""

import numpy as np
import pytest

from components.drift_monitor.detectors.cusum import CUSUM
from components.drift_monitor.detectors.ewma import EWMA
from components.drift_monitor.detectors.p_chart import PChart


@pytest.mark.parametrize("chart", [EWMA, CUSUM])
@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_shift_of_one_deviation_is_found_soon(chart, shift):
    delays = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        rows = 20 + 3 * random.normal(np.repeat([0.0, shift], 500))
        found = chart(target=20.0, deviation=3.0).update_many(rows)
        delays.append(found.drifts[found.drifts >= 500][0] - 500)
    assert np.median(delays) < 40


def test_the_delay_of_cusum_is_that_of_its_theory():
    # Siegmund's approximation for a shift of d deviations: with b = h + 1.166 and m = d - k the
    # mean run length is (exp(-2 m b) + 2 m b - 1) / (2 m^2).
    delays = []
    for seed in range(300):
        rows = np.random.default_rng(seed).normal(1.0, size=400)
        delays.append(CUSUM(target=0.0, deviation=1.0).update_many(rows).drifts[0] + 1)
    b, m = 8.0 + 1.166, 0.5
    expected = (np.exp(-2 * m * b) + 2 * m * b - 1) / (2 * m * m)
    assert np.mean(delays) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("chart", [EWMA, CUSUM])
def test_the_reference_takes_as_long_as_all_values_are_equal(chart):
    rows = np.concatenate([np.full(500, 7.0), np.random.default_rng(0).normal(7, 1, 50)])
    detector = chart(warm_start=20)
    assert not len(detector.update_many(rows[:500]).drifts)
    detector.update_many(rows[500:501])
    assert detector.to_json()["state"]["_scale"][1] > 0


def test_p_chart_has_limits_for_each_size():
    # 10 of 50 is within three deviations of a tenth, 200 of 1000 is not.
    found = PChart(target=0.1).update_many([[10, 50], [200, 1000], [100, 1000]])
    assert found.drifts.tolist() == [1]
    assert found.warnings.tolist() == [0]


def test_p_chart_estimates_its_target_from_the_first_groups():
    chart = PChart(warm_start=3)
    chart.update_many([[0, 100], [0, 100], [0, 100], [0, 100]])
    assert chart.to_json()["state"]["_share"] == 0
    chart.update([10, 100])
    assert chart.to_json()["state"]["_share"] == pytest.approx(0.02)
