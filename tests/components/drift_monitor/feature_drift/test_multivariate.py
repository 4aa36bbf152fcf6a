"""The tests of all features together, and HDDDM over batches."""

import json

import numpy as np
import pytest
from scipy import stats

from components.drift_monitor.feature_drift import margin_density
from components.drift_monitor.feature_drift.domain_classifier import separate
from components.drift_monitor.feature_drift.hdddm import HDDDM, hellinger
from components.drift_monitor.feature_drift.mmd import mmd
from components.drift_monitor.feature_drift.reference import Reference
from components.errors import InputError

MOST = stats.binom.ppf(0.999, 500, 0.05)


def test_mmd_and_the_domain_classifier_hold_their_level():
    by_mmd = by_classifier = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(120, 3))
        points[:, 2] = points[:, 2] > 0.5
        by_mmd += mmd(points[:70], points[70:], resamples=99, seed=seed)[1] <= 0.05
        columns = {str(k): points[:, [k]] for k in range(3)}
        by_classifier += separate(columns, 70, 50, seed=seed).p_value <= 0.05
    assert 8 <= by_mmd <= MOST
    assert 1 <= by_classifier <= MOST


def test_mmd_is_the_sum_over_pairs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 2)), rng.normal(1, 1, (9, 2))
    both = np.concatenate([x, y])
    squared = ((both[:, None] - both[None]) ** 2).sum(axis=-1)
    kernel = np.exp(-squared / np.median(squared[np.triu_indices(21, 1)]))
    np.fill_diagonal(kernel, 0)
    expected = kernel[:12, :12].sum() / 132 + kernel[12:, 12:].sum() / 72
    expected -= 2 * kernel[:12, 12:].mean()
    assert mmd(x, y, resamples=99, seed=0)[0] == pytest.approx(expected)
    assert mmd(np.ones((5, 2)), np.ones((4, 2)), resamples=99, seed=0) == (0.0, 1.0)


def test_the_domain_classifier_names_what_tells_the_sides_apart():
    rng = np.random.default_rng(1)
    points = {name: rng.normal(size=(600, 1)) for name in "abcd"}
    points["c"][300:] *= 2
    found = separate(points, 300, 300, seed=0)
    assert found.p_value < 1e-6
    assert found.auc > 0.6
    assert found.features[0][0] == "c"


def test_margin_density_holds_its_level_and_sees_rows_gather_at_the_decision():
    hits = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        saved = margin_density.gaps_to_json(rng.dirichlet([1, 1, 1], 400), seed)
        hits += margin_density.compare(saved, rng.dirichlet([1, 1, 1], 200), 0.5)["p_value"] <= 0.05
    assert 5 <= hits <= MOST
    found = margin_density.compare(saved, rng.dirichlet([9, 9, 9], 200), 0.5)
    assert found["p_value"] < 1e-6
    assert found["current"] > found["reference"]
    assert found["deviations"] > 5


def test_gaps_are_between_the_two_greatest_probabilities():
    assert margin_density.gaps(np.array([[0.2, 0.5, 0.3]])) == pytest.approx([0.2])
    one = margin_density.gaps(np.array([0.9, 0.5]))
    two = margin_density.gaps(np.array([[0.1, 0.9], [0.5, 0.5]]))
    assert one == pytest.approx([0.8, 0.0])
    assert two == pytest.approx(one)
    assert margin_density.gaps(np.array([[3.0], [0.1]])) is None


def batch(rng, shift=0.0, n=300):
    return {
        "x": rng.normal(shift, 1, n),
        "word": rng.choice(np.array(["a", "b"], object), n),
    }


@pytest.fixture(scope="module")
def reference():
    return Reference.of(batch(np.random.default_rng(0), n=2000))


def test_hdddm_finds_a_shift_and_takes_it_as_usual_then(reference):
    found = late = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        detector = HDDDM(reference, gamma=3.0)
        for _ in range(10):
            detector.update(batch(rng))
        detector.update(batch(rng, shift=1.0))
        found += detector.drift_detected
        for _ in range(3):
            detector.update(batch(rng, shift=1.0))
            late += detector.drift_detected
    # A false alarm shortly before leaves too few changes to judge by.
    assert found >= 25
    assert late <= 9


def test_hdddm_goes_on_from_its_state_at_any_batch(reference):
    rng = np.random.default_rng(4)
    batches = [batch(rng, shift=1.0 * (k > 6)) for k in range(12)]
    whole = HDDDM(reference)
    single = HDDDM(reference)
    drifts = []
    for each in batches:
        whole.update(each)
        single = HDDDM.from_json(json.loads(json.dumps(single.to_json(), allow_nan=False)))
        single.update(each)
        assert single.to_json() == whole.to_json()
        drifts.append(whole.drift_detected)
    assert drifts[7]


def test_the_bound_is_the_papers(reference):
    detector = HDDDM(reference, alpha=0.1)
    distances = []
    for seed in range(5):
        detector.update(batch(np.random.default_rng(seed)))
        if detector.drift_detected:
            break
        distances.append(detector.distance)
    changes = np.abs(np.diff(distances))[: 4 if detector.drift_detected else 3]
    assert len(changes) >= 2
    half = stats.t.ppf(0.95, len(changes) - 1) * changes.std(ddof=1) / np.sqrt(len(changes))
    assert detector.threshold == pytest.approx(changes.mean() + half)
    assert hellinger(np.array([1, 3]), np.array([2, 6])) == pytest.approx(0, abs=1e-7)


def test_hdddm_refuses_what_it_cannot_take_in(reference):
    for setting in ({"alpha": 0.0}, {"gamma": -1.0}):
        with pytest.raises(InputError):
            HDDDM(reference, **setting)
    with pytest.raises(InputError, match=r"column:.*word"):
        HDDDM(reference).update({"x": np.ones(3)})
    with pytest.raises(InputError, match="no rows"):
        HDDDM(reference).update({"x": np.ones(0), "word": np.empty(0, object)})
    saved = HDDDM(reference).to_json()
    for wrong in (saved | {"version": 9}, saved | {"features": 3}, {"detector": "ddm"}):
        with pytest.raises(InputError, match="cannot go on"):
            HDDDM.from_json(wrong)
