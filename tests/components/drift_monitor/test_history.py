"""A history grows from run to run, joins late labels by key, and gives the window to train on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.drift_monitor import history, late_labels, watching, window
from components.drift_monitor.history import NOT_YET, History
from components.drift_monitor.monitoring import Monitor
from components.drift_monitor.span_reader import Read
from components.errors import InputError
from tests.components.drift_monitor.streams import BINARY, binary, config

SETTINGS = config(key="id", slices=("word",))


def read(span, digest=None):
    return Read(span, np.arange(len(span)), (), f"/spans/{span.name}", digest or span.name)


@pytest.fixture
def watched():
    """Return a new history and its monitor."""
    monitor = Monitor.begin(BINARY, binary("t", 500, 1), binary("u", 1000, 2), "champion", SETTINGS)
    found = History(None, None)
    found.models.append({"id": 7, "uri": "/m", "candidate": "trained", "settings": {}})
    found.usual = monitor.usual
    return found, monitor


def test_what_was_written_is_read_back_and_goes_on(watched, tmp_path):
    found, monitor = watched
    span = binary("a", 300, 3, keys=True)
    watching.watch(read(span), found, monitor, SETTINGS)
    found.write(tmp_path / "1", monitor.to_json())
    again, state = History.read(tmp_path / "1")
    assert state == monitor.to_json()
    assert again.spans == found.spans
    stored = again.span(0)
    np.testing.assert_array_equal(stored.labels, span.labels)
    np.testing.assert_allclose(stored.scores["champion"], span.scores["champion"])
    assert stored.keys.tolist() == span.keys.tolist()
    assert set(stored.columns) == {"word"}
    watching.watch(read(binary("b", 200, 4, keys=True, start=300)), again, monitor, SETTINGS)
    again.write(tmp_path / "2", monitor.to_json())
    both, _ = History.read(tmp_path / "2")
    assert [len(both.span(i)) for i in (0, 1)] == [300, 200]
    assert both.positions(1).tolist() == list(range(300, 500))
    assert both.time_of(310) == 310.0


def test_late_labels_enter_the_stream_when_they_come(watched):
    found, monitor = watched
    span = binary("a", 300, 3, keys=True)
    some = np.arange(300) < 100
    early = replace(span, labels=np.where(some, span.labels, np.nan))
    watching.watch(read(early), found, monitor, SETTINGS)
    assert (found.spans[0]["labelled"], monitor.stream) == (100, 100)
    assert found.spans[0]["estimates"]
    assert (found.positions(0) == NOT_YET).sum() == 200
    names, alarms = late_labels.join(
        dict(zip(span.keys[150:].tolist(), span.labels[150:].tolist(), strict=True)), found, monitor
    )
    assert (names, alarms, monitor.stream) == (["a"], [], 250)
    assert found.spans[0]["labelled"] == 250
    assert found.positions(0)[150:].tolist() == list(range(100, 250))
    np.testing.assert_array_equal(found.span(0).labels[150:], span.labels[150:])


def test_labels_that_cannot_be_joined_are_refused(watched):
    found, monitor = watched
    span = binary("a", 50, 3, keys=True)
    watching.watch(read(span), found, monitor, SETTINGS)
    with pytest.raises(InputError, match="never monitored") as caught:
        late_labels.join({"elsewhere": 1.0}, found, monitor)
    assert "elsewhere" in caught.value.details["got"]
    with pytest.raises(InputError, match="contradicts"):
        late_labels.join({"a-0": 1 - span.labels[0]}, found, monitor)
    # Said twice, it is no contradiction.
    assert late_labels.join({"a-0": span.labels[0]}, found, monitor) == ([], [])


@pytest.mark.parametrize(
    ("span", "digest", "message"),
    [
        (binary("b", 50, 4, start=1000), "a", "monitored already, as a"),
        (binary("b", 50, 4, start=-5000), "b", "older than"),
        (binary("a", 50, 4, start=1000, keys=True), "b", "same key"),
    ],
)
def test_what_was_monitored_before_is_refused(watched, span, digest, message):
    found, monitor = watched
    watching.watch(read(binary("a", 300, 3, keys=True), "a"), found, monitor, SETTINGS)
    before = monitor.to_json()
    with pytest.raises(InputError, match=message):
        watching.watch(read(span, digest), found, monitor, SETTINGS)
    assert (len(found.spans), monitor.to_json()) == (1, before)


def test_names_stay_distinct(watched):
    found, monitor = watched
    for start in (0, 100):
        watching.watch(
            read(binary("new", 100, start, start=start), str(start)), found, monitor, SETTINGS
        )
    assert [entry["name"] for entry in found.spans] == ["new", "new-2"]


def test_the_window_begins_at_the_change(watched):
    found, monitor = watched
    watching.watch(read(binary("a", 600, 3)), found, monitor, SETTINGS)
    changed = binary("b", 900, 4, flip_from=200, start=600)
    alarms = watching.watch(read(changed), found, monitor, SETTINGS)
    chosen = window.choose(found, alarms, 100)
    # 600 rows of the first span and 200 of the second came before.
    assert chosen["change"] == pytest.approx(800, abs=80)
    assert chosen["first"] == chosen["change"] == chosen["time"]
    assert chosen["rows"] == chosen["since_change"] == 1500 - chosen["change"]
    assert chosen["lacking"] is None


def test_a_window_of_few_rows_begins_earlier_or_is_none(watched):
    found, monitor = watched
    watching.watch(read(binary("a", 600, 3)), found, monitor, SETTINGS)
    alarms = watching.watch(
        read(binary("b", 300, 4, flip_from=0, start=600)), found, monitor, SETTINGS
    )
    chosen = window.choose(found, alarms, 500)
    assert (chosen["rows"], chosen["first"]) == (500, 400)
    assert chosen["since_change"] < 500
    assert "only 900" in window.choose(found, alarms, 901)["lacking"]


def test_alarms_that_tell_no_row_begin_with_the_first_span_that_had_one(watched):
    found, monitor = watched
    for name, start in (("a", 0), ("b", 100), ("c", 200)):
        watching.watch(read(binary(name, 100, start, start=start)), found, monitor, SETTINGS)
    alarm = {"change_row": None}
    for entry in found.spans[1:]:
        entry["alarms"] = [alarm]
    assert window.choose(found, [alarm], 10)["change"] == 100


def test_a_history_of_another_version_is_refused(watched, tmp_path):
    found, monitor = watched
    found.write(tmp_path, monitor.to_json())
    path = tmp_path / history.HISTORY_FILE
    path.write_text(path.read_text().replace('"version": 1', '"version": 0'))
    with pytest.raises(InputError, match="another version"):
        History.read(tmp_path)
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        History.read(tmp_path)
