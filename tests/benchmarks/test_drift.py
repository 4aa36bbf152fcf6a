"""The benchmark of drift detectors plants the changes it says, and counts alarms rightly."""

import json

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from benchmarks import drift, drift_streams
from components.drift_monitor.detectors.table import make


@pytest.mark.parametrize("name", drift_streams.GENERATORS)
def test_only_the_concept_changes_where_it_is_said(name):
    stream = drift_streams.generate(name, 0, 20_000)
    again = drift_streams.generate(name, 0, 20_000)
    assert np.array_equal(stream.features, again.features)
    assert np.array_equal(stream.labels, again.labels)
    assert stream.changes == (4000, 8000, 12_000, 16_000)
    # The generator with other concepts makes the same features, and other labels.
    generator = drift_streams.GENERATORS[name]
    first, second = (
        generator(np.random.default_rng(1), np.full(4000, concept)) for concept in (0, 1)
    )
    assert np.array_equal(first[0], second[0])
    assert (first[1] != second[1]).mean() > 0.05
    assert 0.02 < first[1].mean() < 0.98


def test_a_tenth_of_the_labels_is_noise():
    stream = drift_streams.generate("stagger", 3, 30_000)
    size, colour = stream.features[:6000, 0] == 1, stream.features[:6000, 3] == 1
    wrong = stream.labels[:6000] != (size & colour)
    assert wrong.mean() == pytest.approx(drift_streams.NOISE, abs=0.015)


def test_weather_is_read(monkeypatch):
    content = b",a,b,rain\n0,1.5,2.0,1\n1,-1.0,0.5,0\n"
    monkeypatch.setattr(drift_streams, "read_member", lambda *_: content)
    stream = drift_streams.weather()
    assert stream.features.tolist() == [[1.5, 2.0], [-1.0, 0.5]]
    assert stream.labels.tolist() == [True, False]
    assert stream.changes == (12_000,)


def test_the_classifier_is_gaussian_naive_bayes_of_the_rows_before():
    stream = drift_streams.generate("sea", 1, 1000)
    model = drift_streams.NaiveBayes(stream)
    x = (stream.features - stream.features.mean(axis=0)) / stream.features.std(axis=0)
    predicted = model.predict(200, 600, 700)
    same = 0
    for row in range(600, 700):
        peer = GaussianNB(var_smoothing=0).fit(x[200:row], stream.labels[200:row])
        same += predicted[row - 600] == peer.predict(x[row : row + 1])[0]
    # But for the variance that is added.
    assert same >= 98


def test_the_classifier_knows_no_later_row():
    stream = drift_streams.generate("sine1", 1, 500)
    changed = drift_streams.Stream(stream.features, stream.labels.copy(), stream.changes)
    changed.labels[300:] ^= True
    both = [drift_streams.NaiveBayes(s).predict(0, 0, 301) for s in (stream, changed)]
    assert np.array_equal(*both)


def test_after_an_alarm_the_classifier_begins_anew():
    stream = drift_streams.generate("sine1", 0, 10_000)
    model = drift_streams.NaiveBayes(stream)
    alone = drift.follow(stream, model, None)
    with_detector = drift.follow(stream, model, make("hddm_w"))
    assert not len(alone["alarms"])
    assert len(with_detector["alarms"]) >= 3
    first = with_detector["alarms"][0]
    assert np.array_equal(alone["right"][: first + 1], with_detector["right"][: first + 1])
    assert with_detector["right"].mean() > alone["right"].mean() + 0.1
    # The alarms are those of one detector that sees all of the errors.
    whole = make("hddm_w").update_many(~with_detector["right"])
    assert whole.drifts.tolist() == with_detector["alarms"].tolist()


def test_alarms_are_counted():
    stream = drift_streams.Stream(np.zeros((30_000, 1)), np.zeros(30_000, bool), (10_000, 20_000))
    right = np.ones(30_000, bool)
    right[10_101:10_201] = False
    alarms = np.array([500, 10_100, 10_900, 29_000])
    found = drift.judge(stream, {"alarms": alarms, "right": right})
    assert found["found"] == 0.5
    assert found["false"] == 3
    assert found["delay"] == 100
    assert found["accuracy_after_reset"] == pytest.approx(0.9)
    nothing = drift.judge(stream, {"alarms": alarms[:0], "right": right})
    assert nothing["found"] == 0
    assert nothing["delay"] is None
    averaged = drift.average([found, nothing])
    assert averaged["found"] == 0.25
    assert averaged["delay"] == 100


def test_river_and_ours_find_the_same_in_what_is_timed():
    rows = drift.errors_to_time(55_000)
    assert rows[50_000:52_000].mean() == pytest.approx(0.3, abs=0.05)
    assert np.delete(rows, slice(50_000, 52_000)).mean() == pytest.approx(0.1, abs=0.01)
    for name, theirs in drift.river_detectors().items():
        drifts, warnings = drift.of_river(theirs(), rows.tolist())
        found = make(name).update_many(rows)
        assert found.drifts.tolist() == drifts
        assert found.warnings.tolist() == warnings


def test_last_line_holds_the_figures(monkeypatch, capsys):
    monkeypatch.setattr(drift, "weather", lambda: drift_streams.generate("sea", 9, 2000, 2))
    arguments = ["drift", "--updates", "20000", "--seeds", "1", "--rows", "2500"]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.setattr(drift, "REPETITIONS", 1)
    drift.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["throughput_ratio"].keys() == drift.river_detectors().keys()
    assert all(ratio > 0.5 for ratio in found["throughput_ratio"].values())
    assert found["lfr_per_s"] > 100
    assert set(found["detection"]) == {*drift_streams.GENERATORS, "noaa_weather"}
    for figures in found["detection"].values():
        assert set(figures) == {"no_change", "no_detector", *drift.DETECTORS}
