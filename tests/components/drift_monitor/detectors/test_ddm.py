"""DDM's guard for streams without errors, and its rule."""

import numpy as np

from components.drift_monitor.detectors.ddm import DDM


def test_a_stream_without_errors_has_no_alarm():
    found = DDM().update_many(np.zeros(10_000))
    assert not len(found.drifts) + len(found.warnings)


def test_the_first_error_of_a_good_model_is_no_alarm():
    errors = np.zeros(3000)
    errors[1000] = 1
    assert not len(DDM().update_many(errors).drifts)


def test_a_model_that_always_errs_has_no_alarm():
    assert not len(DDM().update_many(np.ones(1000)).drifts)


def test_the_rule_is_that_of_the_paper():
    errors = np.random.default_rng(2).random(600) < np.repeat([0.1, 0.4], 300)
    found = DDM().update_many(errors)
    n = np.arange(1, 601)
    p = np.cumsum(errors) / n
    s = np.sqrt(p * (1 - p) / n)
    drift = warning = None
    for i in range(30, 600):
        best = 30 + np.argmin((p + s)[30 : i + 1])
        if warning is None and p[i] + s[i] > p[best] + 2 * s[best]:
            warning = i
        if p[i] + s[i] > p[best] + 3 * s[best]:
            drift = i
            break
    assert found.drifts[0] == drift
    assert found.warnings[0] == warning
