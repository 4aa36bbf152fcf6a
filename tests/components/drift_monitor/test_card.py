"""The page of a history is whole, and shows hostile names as text."""

from __future__ import annotations

import numpy as np

from components.drift_monitor import card, watching
from components.drift_monitor.config import DETECTORS
from components.drift_monitor.detectors import table
from components.drift_monitor.history import History
from components.drift_monitor.monitoring import Monitor
from components.drift_monitor.span_reader import Read
from tests.components.drift_monitor.streams import BINARY, binary, config
from tests.components.pages import EVIL, check_alone


def hostile(name, rows, seed, **changes):
    span = binary(name, rows, seed, **changes)
    span.columns[EVIL] = np.where(span.columns.pop("word") == "red", EVIL, "fine").astype(object)
    return span


def test_a_page_tells_alarms_and_holds_no_markup_of_data(tmp_path):
    settings = config(slices=(EVIL,), features={}, novelty={"method": "olindda"})
    usual = hostile("u", 600, 2)
    monitor = Monitor.begin(BINARY, hostile("t", 600, 1), usual, "champion", settings)
    history = History(None, None)
    history.models.append({"id": 7, "uri": "/m", "candidate": EVIL, "settings": {}})
    history.usual = monitor.usual
    alarms = []
    for number, changes in enumerate(({}, {"flip_from": 100}, {"labelled": False})):
        span = hostile(f"span-{EVIL}", 400, 3 + number, start=400.0 * number, **changes)
        if number == 1:
            span.columns["x"] += 2
        read = Read(span, np.arange(400), ("a note on " + EVIL,), "/spans", str(number))
        alarms += watching.watch(read, history, monitor, settings)
    history.write(tmp_path, monitor.to_json())
    page = card.page(tmp_path)
    check_alone(page)
    assert "<script" not in page
    assert {alarm["kind"] for alarm in alarms} >= {"errors", "features"}
    for heading in ("Alarms", "Metrics over time", "Features", "Novelty", "Slices", "Notes"):
        assert f"<h2>{heading}</h2>" in page
    lines = card.lines(history.spans, [history.spans[-1]["name"]], alarms)
    assert "(estimated)" in lines
    assert "ALARM" in lines


def test_the_settings_know_each_detector_and_what_it_takes():
    assert {name: kind.INPUT for name, kind in table.DETECTORS.items()} == DETECTORS
