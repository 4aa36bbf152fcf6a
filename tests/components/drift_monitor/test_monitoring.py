"""What is watched: no alarm while nothing changes, and one that tells when and where it did."""

from __future__ import annotations

import json

import numpy as np
import pytest

from components.drift_monitor import error_stream
from components.drift_monitor.monitoring import Monitor
from components.errors import InputError
from tests.components.drift_monitor.streams import BINARY, REGRESSION, binary, config, regression


def begin(settings, problem=BINARY, make=binary, champion="champion"):
    return Monitor.begin(
        problem, make("train", 1000, 1), make("usual", 2000, 2), champion, settings
    )


def test_without_a_change_there_is_no_alarm_and_metrics_are_as_usual():
    monitor = begin(config())
    entry = monitor.watch(binary("s", 2000, 3))
    assert entry["alarms"] == []
    found = entry["metrics"]["champion"]["overall"]["AUC"]
    low, high = found["interval"]
    assert low < monitor.usual["usual"]["metrics"]["champion"]["overall"]["AUC"]["value"] < high
    assert (entry["rows"], entry["labelled"], entry["time"]) == (2000, 2000, [0.0, 1999.0])
    assert entry["errors"]["parts"] == [{"first": 0, "rows": 2000}]


@pytest.mark.parametrize("detector", ["ddm", "adwin", "linear_four_rates", "hddm_a", "p_chart"])
def test_a_change_is_found_where_it_was(detector):
    monitor = begin(config(detectors={detector: {}}, alarm_budget=1e6))
    monitor.watch(binary("before", 1000, 3))
    entry = monitor.watch(binary("after", 1500, 4, flip_from=500, start=1000))
    [first] = entry["alarms"]
    assert first["detector"] == detector
    assert 1500 <= first["row"] < 1700
    assert first["time"] == first["row"]
    assert 1300 <= first["change_row"] <= first["row"]
    assert "error rate" in first["reason"]


def test_it_goes_on_from_json_as_if_it_had_not_stopped():
    settings = config(novelty={"method": "olindda"})
    spans = [binary(f"s{i}", 400, 10 + i, flip_from=200 if i == 3 else None) for i in range(5)]
    whole, parts = begin(settings), begin(settings)
    for span in spans:
        expected = whole.watch(span)
        parts = Monitor(json.loads(json.dumps(parts.to_json())), settings)
        assert parts.watch(span) == expected
    assert parts.to_json() == whole.to_json()
    assert whole.stream == 2000


def test_a_state_of_another_version_is_refused():
    state = begin(config()).to_json()
    with pytest.raises(InputError, match="another version"):
        Monitor({**state, "version": 0}, config())


def test_the_slice_where_errors_grew_is_named():
    monitor = begin(config(slices=("word",)))
    span = binary("s", 2000, 5)
    red = span.columns["word"] == "red"
    span.labels[red] = 1 - span.labels[red]
    [first, *_] = monitor.watch(span)["alarms"]
    assert (first["slice"]["column"], first["slice"]["value"]) == ("word", "red")
    assert first["slice"]["rise"] == pytest.approx(0.64, abs=0.1)


def test_of_an_even_change_no_slice_is_named():
    monitor = begin(config(slices=("word",)))
    alarms = monitor.watch(binary("s", 2000, 5))["alarms"]
    assert alarms == []


def test_detectors_over_the_alarm_budget_are_heard_but_do_not_count():
    monitor = begin(config(detectors={"ddm": {}, "eddm": {}}, alarm_budget=10))
    usual = monitor.usual
    assert usual["false_alarms"]["eddm"]["per_100_000"] > 10
    assert usual["counted"] == ["ddm"]
    entry = monitor.watch(binary("s", 1500, 4, flip_from=300))
    assert {alarm["detector"] for alarm in entry["alarms"]} == {"ddm"}
    assert entry["errors"]["detectors"]["eddm"]["counted"] is False


def test_the_costliest_detectors_are_left_out_first():
    assert error_stream.within_budget({"a": 3.0, "b": 9.0, "c": 1.0}, 5) == ["a", "c"]
    assert error_stream.within_budget({"a": 30.0}, 5) == []


def test_a_regression_is_watched_by_its_residuals():
    monitor = begin(config(), REGRESSION, regression)
    assert monitor.watch(regression("s", 1000, 3))["alarms"] == []
    entry = monitor.watch(regression("s", 1000, 4, bias=2.0))
    assert {alarm["detector"] for alarm in entry["alarms"]} == {"adwin", "ewma"}
    assert "mean absolute error" in entry["alarms"][0]["reason"]


def test_without_labels_performance_is_estimated_and_marked():
    monitor = begin(config())
    entry = monitor.watch(binary("s", 2000, 6, labelled=False))
    assert (entry["labelled"], entry["metrics"], entry["errors"]) == (0, {}, None)
    found = entry["estimates"]["champion"]
    assert all(each["estimate"] is True for each in found.values())
    truth = begin(config()).watch(binary("s", 2000, 6))["metrics"]["champion"]["overall"]
    for name in ("AUC", "BinaryAccuracy", "Recall", "BinaryCrossentropy"):
        low, high = found[name]["interval"]
        assert low - 0.01 < truth[name]["value"] < high + 0.01


def test_a_regression_without_labels_is_not_estimated_and_says_so():
    span = regression("s", 100, 3)
    span.labels[:] = np.nan
    entry = begin(config(), REGRESSION, regression).watch(span)
    assert entry["estimates"] == {}
    assert "cannot be estimated" in entry["notes"][0]


def test_without_a_blessed_model_no_errors_are_watched():
    entry = begin(config(), champion=None).watch(binary("s", 100, 3))
    assert (entry["metrics"], entry["errors"]) == ({}, None)


@pytest.mark.parametrize(
    ("detectors", "setting"),
    [
        ({"ddm": {"warm_start": 0}}, "monitor.detectors.ddm.warm_start"),
        ({"adwin": {"speed": 1}}, "monitor.detectors.adwin.speed"),
    ],
)
def test_impossible_parameters_name_the_setting(detectors, setting):
    with pytest.raises(InputError) as caught:
        begin(config(detectors=detectors))
    assert caught.value.details["setting"] == setting


def test_new_groups_of_rows_are_an_alarm_that_says_what_tells_them_apart():
    monitor = begin(config(novelty={"method": "olindda", "share": 0.1}))
    span = binary("s", 1000, 3)
    span.columns["x"][600:] = 25 + 0.1 * np.random.default_rng(0).normal(size=400)
    [alarm] = [a for a in monitor.watch(span)["alarms"] if a["kind"] == "novelty"]
    assert "new group" in alarm["reason"]
    assert "x" in alarm["reason"]
