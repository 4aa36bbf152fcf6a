"""The rate of false alarms is that of the streams it is simulated on."""

import numpy as np
import pytest

from components.drift_monitor.detectors.alarm_rate import errors, false_alarms, groups, normal
from components.drift_monitor.detectors.table import make


def test_a_shewhart_chart_has_the_rate_of_the_normal_distribution():
    chart = make("ewma", {"target": 0, "deviation": 1, "weight": 0.999999, "drift_width": 3.0})
    rate = false_alarms(chart, normal, streams=6, rows=50_000)
    assert rate.per_100_000 == pytest.approx(270, abs=4 * rate.standard_error + 10)


def test_the_documented_rates_hold():
    for name, error_rate, low, high in (
        ("ddm", 0.1, 0, 3),
        ("hddm_w", 0.3, 35, 46),
        ("page_hinkley", 0.1, 1.5, 4.5),
        ("adwin", 0.1, 0, 0.5),
        ("eddm", 0.3, 8, 60),
    ):
        rate = false_alarms(make(name), errors(error_rate), streams=6, seed=1).per_100_000
        assert low <= rate <= high, name


def test_it_is_reproducible_and_leaves_the_detector_alone():
    detector = make("p_chart")
    detector.update([5, 50])
    before = detector.to_json()
    rates = [false_alarms(detector, groups(0.1, 100), streams=3, rows=3000, seed=2) for _ in "ab"]
    assert rates[0] == rates[1]
    assert rates[0].standard_error > 0
    assert detector.to_json() == before


def test_a_longer_stream_is_scaled():
    short = false_alarms(make("hddm_w"), errors(0.3), streams=20, rows=20_000)
    assert short.per_100_000 == pytest.approx(40, abs=4 * short.standard_error)
    assert np.isfinite(short.standard_error)
