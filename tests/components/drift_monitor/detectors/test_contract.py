"""What all detectors promise."""

import json

import numpy as np
import pytest

from components.drift_monitor.detectors.table import DETECTORS, from_json, make
from components.errors import InputError

#: Parameters with which a short stream shows alarms and warnings.
EAGER = {
    "ddm": {"warning_threshold": 1.0, "drift_threshold": 2.0},
    "eddm": {},
    "hddm_a": {"drift_confidence": 0.05, "warning_confidence": 0.2, "two_sided_test": True},
    "hddm_w": {"drift_confidence": 0.3, "warning_confidence": 0.6, "two_sided_test": True},
    "page_hinkley": {"threshold": 10.0},
    "adwin": {"delta": 0.05, "clock": 8},
    "linear_four_rates": {"drift_level": 0.01, "warning_level": 0.1, "samples": 1000},
    "p_chart": {"drift_width": 2.0, "warning_width": 1.0},
    "ewma": {"drift_width": 2.5, "warning_width": 2.0, "warm_start": 50},
    "cusum": {"drift_threshold": 4.0, "warning_threshold": 2.0, "warm_start": 50},
}
ROWS = 1500


def rows_for(name, seed=0):
    random = np.random.default_rng(seed)
    rate = np.repeat([0.1, 0.4, 0.15], ROWS // 3)
    kind = DETECTORS[name].INPUT
    error = random.random(ROWS) < rate
    if kind in ("error", "fraction"):
        return error if seed % 2 or kind == "error" else random.beta(2, 2 / rate)
    if kind == "value":
        return error.astype(float) if seed % 2 else random.normal(rate * 5)
    if kind == "pair":
        label = random.random(ROWS) < 0.4
        return np.stack([label, label ^ error], axis=1)
    trials = random.integers(50, 100, ROWS)
    return np.stack([random.binomial(trials, rate), trials], axis=1)


def one_by_one(detector, rows):
    drifts, warnings, changes = [], [], []
    for index, row in enumerate(rows.tolist()):
        detector.update(row)
        if detector.drift_detected:
            drifts.append(index)
            changes.append(index - detector.rows_since_change + 1)
        if detector.warning_detected:
            warnings.append(index)
    return drifts, warnings, changes


def assert_same_state(left, right):
    """Parameters, flags and counts are equal, and sums are but for rounding."""
    left, right = left.to_json(), right.to_json()
    states = left.pop("state"), right.pop("state")
    assert left == right
    assert states[0].keys() == states[1].keys()
    for key in states[0]:
        flat = [np.array(list(_numbers(state[key]))) for state in states]
        np.testing.assert_allclose(*flat, rtol=1e-9, atol=1e-9, err_msg=key)


def _numbers(value):
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    else:
        yield float(value)


def test_every_detector_is_tried():
    assert EAGER.keys() == DETECTORS.keys()
    assert all(name == detector.NAME for name, detector in DETECTORS.items())


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("seed", range(4))
def test_many_at_once_are_as_one_by_one(name, seed):
    rows = rows_for(name, seed)
    single, many = make(name, EAGER[name]), make(name, EAGER[name])
    drifts, warnings, changes = one_by_one(single, rows)
    assert drifts
    assert warnings or name in ("page_hinkley", "adwin")
    found = many.update_many(rows)
    assert found.drifts.tolist() == drifts
    assert found.warnings.tolist() == warnings
    assert found.change_points.tolist() == changes
    assert all(change <= drift for change, drift in zip(changes, drifts, strict=True))
    assert_same_state(single, many)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_stream_may_be_cut_anywhere_and_its_state_saved_there(name):
    rows = rows_for(name, 1)
    whole = make(name, EAGER[name]).update_many(rows)
    random = np.random.default_rng(7)
    for _ in range(6):
        cuts = np.sort(random.integers(0, ROWS, random.integers(1, 30)))
        detector, drifts, warnings, changes = make(name, EAGER[name]), [], [], []
        for begin, end in zip([0, *cuts], [*cuts, ROWS], strict=True):
            found = detector.update_many(rows[begin:end])
            drifts += (found.drifts + begin).tolist()
            warnings += (found.warnings + begin).tolist()
            changes += (found.change_points + begin).tolist()
            detector = from_json(json.loads(json.dumps(detector.to_json(), allow_nan=False)))
        assert drifts == whole.drifts.tolist()
        assert warnings == whole.warnings.tolist()
        assert changes == whole.change_points.tolist()


@pytest.mark.parametrize("name", DETECTORS)
def test_state_round_trips_at_any_index(name):
    detector = make(name, EAGER[name])
    for row in rows_for(name)[:1200].tolist():
        saved = json.dumps(detector.to_json(), allow_nan=False)
        detector = from_json(json.loads(saved))
        assert json.dumps(detector.to_json()) == saved
        detector.update(row)
    whole = make(name, EAGER[name])
    one_by_one(whole, rows_for(name)[:1200])
    assert detector.to_json() == whole.to_json()


@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_is_found_in_no_rows(name):
    detector = make(name)
    before = detector.to_json()
    found = detector.update_many([])
    assert not len(found.drifts) + len(found.warnings) + len(found.change_points)
    assert detector.to_json() == before


@pytest.mark.parametrize("name", DETECTORS)
def test_a_reset_forgets_everything(name):
    detector = make(name, EAGER[name])
    detector.update_many(rows_for(name))
    detector.reset()
    assert detector.to_json() == make(name, EAGER[name]).to_json()


@pytest.mark.parametrize("name", DETECTORS)
def test_another_version_or_detector_is_refused(name):
    saved = make(name).to_json()
    with pytest.raises(InputError, match="cannot go on"):
        from_json({**saved, "version": saved["version"] + 1})
    with pytest.raises(InputError, match="cannot go on"):
        from_json({**saved, "state": {**saved["state"], "more": 1}})
    broken = dict.fromkeys(saved["state"], "text")
    with pytest.raises(InputError, match="cannot go on"):
        from_json({**saved, "state": broken})
    with pytest.raises(InputError, match="no such parameter"):
        from_json({**saved, "parameters": {"sensitivity": 1}})
    other = next(kind for kind in DETECTORS.values() if name != kind.NAME)
    with pytest.raises(InputError, match="cannot go on"):
        other.from_json(saved)


def test_an_unknown_detector_is_refused():
    for saved in ({"detector": "magic"}, {}, []):
        with pytest.raises(InputError, match="no such detector"):
            from_json(saved)


BAD_ROWS = {
    "error": [[0.5], [np.nan], [2], ["yes"], [[0, 1]]],
    "fraction": [[1.01], [-0.1], [np.nan], [None]],
    "value": [[np.inf], [np.nan], ["a"], [[1.0]]],
    "pair": [[[0, 2]], [[np.nan, 1]], [1, 0], [[1, 0, 1]]],
    "count": [[[3, 2]], [[0, 0]], [[0.5, 2]], [[-1, 2]], [[1, np.inf]]],
}


@pytest.mark.parametrize("name", DETECTORS)
def test_rows_that_are_none_are_refused_and_change_nothing(name):
    detector = make(name, EAGER[name])
    detector.update_many(rows_for(name)[:300])
    before = detector.to_json()
    for rows in BAD_ROWS[detector.INPUT]:
        with pytest.raises(InputError, match="cannot take in"):
            detector.update_many(rows)
        with pytest.raises(InputError, match="cannot take in"):
            detector.update(rows[0])
    assert detector.to_json() == before


IMPOSSIBLE = [
    ("ddm", "warm_start", 0),
    ("ddm", "warm_start", 2.5),
    ("ddm", "warning_threshold", 4.0),
    ("ddm", "drift_threshold", -1.0),
    ("eddm", "alpha", 1.0),
    ("eddm", "beta", 0.99),
    ("hddm_a", "drift_confidence", 0.01),
    ("hddm_a", "two_sided_test", "no"),
    ("hddm_w", "lambda_val", 0.0),
    ("hddm_w", "warning_confidence", float("nan")),
    ("page_hinkley", "mode", "sideways"),
    ("page_hinkley", "alpha", 1.5),
    ("page_hinkley", "threshold", 0.0),
    ("page_hinkley", "delta", -0.1),
    ("adwin", "delta", 1.0),
    ("adwin", "clock", 0),
    ("linear_four_rates", "time_decay", 1.0),
    ("linear_four_rates", "samples", 1000),
    ("linear_four_rates", "drift_level", 0.5),
    ("p_chart", "target", 0.0),
    ("p_chart", "warning_width", 5.0),
    ("ewma", "weight", 0.0),
    ("ewma", "target", 1.0),
    ("cusum", "slack", 0.0),
    ("cusum", "warm_start", 1),
]


@pytest.mark.parametrize(("name", "parameter", "value"), IMPOSSIBLE)
def test_impossible_parameters_are_refused(name, parameter, value):
    with pytest.raises(InputError) as caught:
        make(name, {parameter: value})
    assert caught.value.details["setting"] in (parameter, "warning_confidence", "deviation")


@pytest.mark.parametrize("name", ["hddm_a", "hddm_w", "page_hinkley", "adwin", "ewma", "cusum"])
def test_a_fall_is_found_where_it_is_looked_for(name):
    random = np.random.default_rng(1)
    rows = (random.random(4000) < np.repeat([0.5, 0.1], 2000)).astype(float)
    parameters = {"two_sided_test": True} if name.startswith("hddm") else {}
    parameters = {"weight": 0.03} if name == "ewma" else parameters
    drifts = make(name, parameters).update_many(rows).drifts
    assert drifts[drifts >= 2000][0] < 2400
    if name.startswith("hddm"):
        assert not (make(name).update_many(rows).drifts >= 2000).any()


@pytest.mark.parametrize("name", ["hddm_a", "adwin"])
def test_the_change_is_dated(name):
    dated = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        rows = random.random(3000) < np.repeat([0.1, 0.6], [2000, 1000])
        found = make(name).update_many(rows)
        dated.append(found.change_points[found.drifts >= 2000][0])
    assert abs(np.median(dated) - 2000) <= 60
