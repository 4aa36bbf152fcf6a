"""Scaling recovers what a model's logits were scaled by."""

import numpy as np
import pytest
from scipy import special

from components.calibration import expected_calibration_error
from components.remediator.config import Calibration, RecalibrationRemedy
from components.remediator.remedies import recalibration

ROWS = 20_000


@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_a_known_temperature_of_two_classes(temperature):
    random = np.random.default_rng(0)
    true = random.normal(0, 2, (ROWS, 1))
    labels = random.random(ROWS) < special.expit(true[:, 0])
    factor, offset = recalibration.fit(true * temperature, labels, offset=False)
    assert 1 / factor == pytest.approx(temperature, rel=0.04)
    assert offset == 0


def test_a_known_factor_and_offset():
    random = np.random.default_rng(1)
    true = random.normal(0, 2, (ROWS, 1))
    labels = random.random(ROWS) < special.expit(true[:, 0])
    factor, offset = recalibration.fit(3 * true + 1.5, labels, offset=True)
    assert factor == pytest.approx(1 / 3, rel=0.04)
    assert offset == pytest.approx(-0.5, abs=0.06)


def test_a_known_temperature_of_several_classes():
    random = np.random.default_rng(2)
    true = random.normal(0, 1.5, (ROWS, 4))
    likely = special.softmax(true, axis=1)
    labels = (random.random((ROWS, 1)) > likely.cumsum(axis=1)).sum(axis=1)
    factor, _ = recalibration.fit(2 * true, labels, offset=False)
    assert factor == pytest.approx(0.5, rel=0.04)
    before, after = (
        expected_calibration_error(labels, special.softmax(f * 2 * true, axis=1))
        for f in (1.0, factor)
    )
    assert after < 0.2 * before


def test_the_model_scales_its_logits(made):
    [found] = recalibration.candidates(
        made.problem, Calibration(limit=0.01), RecalibrationRemedy(method="temperature")
    )
    before, after = (
        model.predict({k: made.judging.arrays[k] for k in ("numeric", "categorical")}, verbose=0)
        for model in (made.problem.model, found.model)
    )
    ratio = after / before
    assert np.allclose(ratio, ratio[0], rtol=1e-3)
    assert found.strength == f"temperature {1 / ratio[0, 0]:.3g}"
