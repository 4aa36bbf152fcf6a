"""Scores that are probabilities have no calibration error, and others have theirs."""

from __future__ import annotations

import numpy as np
import pytest

from components.calibration import expected_calibration_error, reliability


def test_a_calibrated_model_has_nearly_none():
    random = np.random.default_rng(0)
    scores = random.random(50_000)
    labels = (random.random(50_000) < scores).astype(int)
    assert expected_calibration_error(labels, scores) < 0.01


def test_a_known_bias_is_its_error():
    random = np.random.default_rng(1)
    truth = random.random(50_000) * 0.6 + 0.2
    labels = (random.random(50_000) < truth).astype(int)
    assert expected_calibration_error(labels, truth + 0.15) == pytest.approx(0.15, abs=0.01)


def test_bins_are_of_equal_mass_and_equal_scores_stay_together():
    scores = np.array([0.1] * 5 + [0.2, 0.3, 0.4, 0.5, 0.6])
    found = reliability(np.zeros(10), scores, bins=5)
    assert [each.rows for each in found] == [6, 2, 2]
    assert [each.mean_score for each in found] == sorted(each.mean_score for each in found)


def test_of_more_classes_the_most_probable_counts():
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    [one, other] = reliability(np.array([0, 1]), scores, bins=2)
    assert (one.mean_score, one.rate) == (pytest.approx(0.7), 1.0)
    assert (other.mean_score, other.rate) == (pytest.approx(0.8), 0.0)
    assert expected_calibration_error(np.array([0, 1]), scores, 2) == pytest.approx(0.55)


def test_two_columns_are_the_positive_class():
    positive = np.array([0.2, 0.9, 0.6])
    both = np.stack([1 - positive, positive], axis=1)
    labels = np.array([0, 1, 1])
    assert reliability(labels, both, 3) == reliability(labels, positive, 3)
    assert expected_calibration_error(labels, positive, 3) == pytest.approx(0.7 / 3)


def test_no_rows_have_no_bins():
    assert reliability(np.empty(0), np.empty(0)) == []
    assert expected_calibration_error(np.empty(0), np.empty(0)) == 0
