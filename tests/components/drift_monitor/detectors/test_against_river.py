"""The rules that river has too give the same warnings and alarms as there."""

import numpy as np
import pytest
from river import drift

from components.drift_monitor.detectors.table import make

STREAMS = 500
ROWS = 900


def stream(seed):
    """Return errors of a model whose error rate changes up to three times."""
    random = np.random.default_rng(seed)
    concepts = random.integers(1, 5)
    rates = random.uniform(0.05, 0.5, concepts)
    return random.random(ROWS) < np.repeat(rates, -(-ROWS // concepts))[:ROWS]


def values(seed):
    """Return numbers whose mean changes once, far from 0 in every other stream."""
    random = np.random.default_rng(seed)
    change = random.integers(100, 600)
    away = np.where(np.arange(ROWS) < change, 0.0, random.normal(0, 2))
    return random.normal(away + (1000.0 if seed % 2 else 0.0))


def of_river(detector, rows):
    """Return the rows with a drift and those with a warning, and where river's rule differs."""
    drifts, warnings, other_rule = [], [], None
    for index, row in enumerate(rows.tolist()):
        detector.update(row)
        if detector.drift_detected:
            drifts.append(index)
        if getattr(detector, "warning_detected", False):
            warnings.append(index)
        if other_rule is None and getattr(detector, "_s_min", None) == 0:
            other_rule = index
    return drifts, warnings, other_rule


CASES = {
    "ddm": ("ddm", drift.binary.DDM, {}, stream),
    "eddm": ("eddm", drift.binary.EDDM, {}, stream),
    "hddm_a": ("hddm_a", drift.binary.HDDMA, {}, stream),
    "hddm_w": ("hddm_w", drift.binary.HDDMW, {}, stream),
    "page_hinkley": ("page_hinkley", drift.PageHinkley, {"threshold": 15.0}, stream),
    "adwin": ("adwin", drift.ADWIN, {}, stream),
}
OTHERS = {
    "ddm": (drift.binary.DDM, {"warm_start": 50, "warning_threshold": 1.5}, stream),
    "eddm": (drift.binary.EDDM, {"alpha": 0.9, "beta": 0.8, "warm_start": 20}, stream),
    "hddm_a": (
        drift.binary.HDDMA,
        {"two_sided_test": True, "drift_confidence": 0.01, "warning_confidence": 0.05},
        stream,
    ),
    "hddm_w": (drift.binary.HDDMW, {"two_sided_test": True, "lambda_val": 0.1}, stream),
    "page_hinkley": (drift.PageHinkley, {"alpha": 0.99, "delta": 0.1, "threshold": 20.0}, values),
    "adwin": (drift.ADWIN, {"clock": 10, "max_buckets": 4, "min_window_length": 1}, values),
}


@pytest.mark.parametrize("name", CASES)
def test_same_indices_on_500_streams(name):
    _, theirs, parameters, rows_of = CASES[name]
    alarms = compared = 0
    for seed in range(STREAMS):
        rows = rows_of(seed)
        drifts, warnings, other_rule = of_river(theirs(**parameters), rows.astype(int))
        found = make(name, parameters).update_many(rows)
        # A first minimum with p = s = 0 is no minimum here: from there on the rules differ.
        end = ROWS if other_rule is None else other_rule
        compared += other_rule is None
        assert [i for i in drifts if i < end] == [i for i in found.drifts if i < end], seed
        assert [i for i in warnings if i < end] == [i for i in found.warnings if i < end], seed
        alarms += len(drifts)
    assert alarms > STREAMS / 10
    assert compared > STREAMS * 0.95 if name == "ddm" else compared == STREAMS


@pytest.mark.parametrize("name", OTHERS)
def test_same_indices_with_other_parameters(name):
    theirs, parameters, rows_of = OTHERS[name]
    alarms = 0
    for seed in range(60):
        rows = rows_of(seed)
        numbers = rows.astype(int) if rows.dtype == bool else rows
        drifts, warnings, other_rule = of_river(theirs(**parameters), numbers)
        if other_rule is not None:
            continue
        found = make(name, parameters).update_many(rows)
        assert drifts == found.drifts.tolist(), seed
        assert warnings == found.warnings.tolist(), seed
        alarms += len(drifts)
    assert alarms > 10


@pytest.mark.parametrize("name", ["page_hinkley", "adwin"])
def test_same_indices_where_the_window_is_long(name):
    random = np.random.default_rng(3)
    rows = random.random(150_000) < np.where(np.arange(150_000) < 110_000, 0.05, 0.07)
    parameters = {"threshold": 110.0} if name == "page_hinkley" else {}
    drifts, _, _ = of_river(CASES[name][1](**parameters), rows.astype(int))
    assert drifts
    assert make(name, parameters).update_many(rows).drifts.tolist() == drifts
