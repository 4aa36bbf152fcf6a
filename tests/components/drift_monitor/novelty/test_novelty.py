"""What every novelty detector promises."""

import json

import numpy as np
import pytest

from components.drift_monitor.novelty.base import NOVEL, UNKNOWN
from components.drift_monitor.novelty.table import NOVELTY_DETECTORS, from_json
from components.errors import InputError

CENTRES = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 9.0]])


def stream(seed, rows, new=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    labels[rng.random(rows) < new] = 2
    return CENTRES[labels] + rng.normal(0, 0.7, (rows, 2)), labels


def final(decided):
    labels, kinds = decided.labels.copy(), decided.kinds.copy()
    labels[decided.resolved_rows] = decided.resolved_labels
    kinds[decided.resolved_rows] = decided.resolved_kinds
    return labels, kinds


@pytest.fixture(params=NOVELTY_DETECTORS)
def detector(request):
    return NOVELTY_DETECTORS[request.param]().fit(*stream(0, 1000))


def test_a_planted_class_is_found_and_the_known_ones_are_told_apart(detector):
    rows, truth = stream(1, 2000, new=0.25)
    labels, kinds = final(detector.update_many(rows))
    new = truth == 2
    assert (kinds[new] == NOVEL).mean() > 0.8
    assert (kinds[~new] == NOVEL).mean() <= 0.05
    assert (labels[~new] == truth[~new]).mean() > 0.85
    assert labels[kinds == NOVEL].min() >= 2


def test_a_stream_without_novelty_stays_quiet(detector):
    _, kinds = final(detector.update_many(stream(2, 4000)[0]))
    assert (kinds == NOVEL).mean() <= 0.05
    assert (kinds == UNKNOWN).mean() <= 0.1


def test_many_rows_at_once_are_as_one_by_one_and_a_state_goes_on_anywhere(detector):
    rows, _ = stream(3, 500, new=0.4)
    begin = json.dumps(detector.to_json())
    whole = detector.update_many(rows)
    single = from_json(json.loads(begin))
    ones = []
    for at, row in enumerate(rows):
        if at % 7 == 0:
            single = from_json(json.loads(json.dumps(single.to_json())))
        ones.append(single.update(row))
    assert (whole.kinds == UNKNOWN).any()
    assert len(whole.resolved_rows)
    for name in vars(whole):
        joined = np.concatenate([getattr(one, name) for one in ones])
        assert np.array_equal(joined, getattr(whole, name)), name
    assert single.to_json() == detector.to_json()


def test_the_same_seed_gives_the_same_state(detector):
    again = type(detector)().fit(*stream(0, 1000))
    rows, _ = stream(4, 600, new=0.3)
    detector.update_many(rows)
    again.update_many(rows)
    assert again.to_json() == detector.to_json()


@pytest.mark.parametrize(
    ("key", "value"), [("version", 99), ("detector", "other"), ("state", {"a": 1})]
)
def test_another_state_is_refused(detector, key, value):
    with pytest.raises(InputError):
        from_json({**detector.to_json(), key: value})


def test_impossible_parameters_and_rows_are_refused(detector):
    saved = detector.to_json()
    saved["parameters"]["window"] = 0
    with pytest.raises(InputError, match="window"):
        from_json(saved)
    for bad in ([[1.0, np.nan]], [[1.0]], [["a", "b"]]):
        with pytest.raises(InputError):
            detector.update_many(bad)
    assert detector.rows == 0
    with pytest.raises(InputError, match="fit"):
        type(detector)().update([0.0, 0.0])
    with pytest.raises(InputError):
        type(detector)().fit([[0.0], [1.0]], [0, -1])
