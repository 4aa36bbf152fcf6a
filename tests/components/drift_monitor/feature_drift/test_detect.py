"""What the comparison of a window with the reference promises."""

import json

import numpy as np
import pytest
from scipy import stats

from components.drift_monitor.feature_drift.config import FeatureDriftConfig
from components.drift_monitor.feature_drift.detect import detect, skew
from components.drift_monitor.feature_drift.reference import TOP_VALUES, Reference
from components.drift_monitor.feature_drift.table import MEASURES
from components.errors import InputError

#: Every difference counts, so that what is tested is the level of the tests.
ANY = dict.fromkeys([*MEASURES, "mmd", "domain_classifier", "margin_density"], 0.0)


def rows(rng, n, correlation=0.0):
    x, other = rng.normal(size=(2, n))
    y = correlation * x + np.sqrt(1 - correlation**2) * other
    word = rng.choice(np.array(["a", "b", "c", ""], object), n, p=[0.5, 0.3, 0.15, 0.05])
    return {"x": x, "y": y, "word": word, "whole": rng.poisson(3, n)}


def kept(found, name):
    return next(f for f in found["features"] + found["predictions"] if f["name"] == name)


def drifted(found):
    return {f["name"] for f in found["features"] + found["predictions"] if f["drifted"]}


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(0)
    saved = Reference.of(rows(rng, 5000), scores=rng.dirichlet([1, 1], 2000)).to_json()
    return Reference.from_json(json.loads(json.dumps(saved, allow_nan=False)))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_without_drift_an_alarm_is_as_rare_as_promised():
    alarms = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        past = Reference.of(rows(rng, 150), scores=rng.random(150))
        config = FeatureDriftConfig(alpha=0.05, sizes=ANY, resamples=99, seed=seed)
        alarms += detect(past, rows(rng, 80), config, scores=rng.random(80))["alarm"]
    assert alarms <= stats.binom.ppf(0.999, 500, 0.05)
    assert alarms > 0


def test_a_window_without_drift_gives_json_without_alarm(reference, rng):
    found = detect(reference, rows(rng, 1000), scores=rng.dirichlet([1, 1], 1000))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert not found["alarm"]
    assert not found["reasons"]
    assert not found["notes"]
    assert [f["rank"] for f in found["features"]] == [1, 2, 3, 4]
    assert set(found["multivariate"]) == {"mmd", "domain_classifier", "margin_density"}
    assert found == detect(reference, rows(np.random.default_rng(3), 1000), scores=_after_rows(3))


def _after_rows(seed):
    rng = np.random.default_rng(seed)
    rows(rng, 1000)
    return rng.dirichlet([1, 1], 1000)


def test_shifts_are_found_by_name_and_said_in_words(reference, rng):
    window = rows(rng, 1000)
    window["x"] = window["x"] + 0.4
    window["word"][window["word"] == "a"] = "brand new"
    window["whole"] = np.where(rng.random(1000) < 0.3, np.nan, window["whole"])
    found = detect(reference, window)
    assert drifted(found) == {"x", "word", "whole"}
    assert kept(found, "y")["rank"] == 4
    word, whole, x = (kept(found, name) for name in ("word", "whole", "x"))
    assert [new["value"] for new in word["new_values"]] == ["brand new"]
    assert word["new_values"][0]["rows"] == pytest.approx(500, abs=60)
    assert whole["moved"]["cell"] == "missing"
    assert whole["moved"]["missing"]["after"] == pytest.approx(0.3, abs=0.05)
    assert x["moved"]["mean"]["after"] == pytest.approx(0.4, abs=0.1)
    assert any(
        reason.startswith("word drifted") and "brand new" in reason for reason in found["reasons"]
    )
    names = {f["name"] for f in found["multivariate"]["domain_classifier"]["features"][:3]}
    assert {"word", "whole"} <= names


def test_a_change_of_correlation_alone_is_found_by_the_multivariate_tests():
    together = alone = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found = detect(Reference.of(rows(rng, 1000)), rows(rng, 800, correlation=0.8))
        together += any(test["drifted"] for test in found["multivariate"].values())
        alone += bool(drifted(found) & {"x", "y"})
    assert together >= 19
    assert alone <= 3


def test_predictions_and_the_margin_are_watched(reference, rng):
    scores = rng.beta(8, 8, 1000)
    found = detect(reference, rows(rng, 1000), scores=np.column_stack([1 - scores, scores]))
    assert drifted(found) == {"prediction"}
    margin = found["multivariate"]["margin_density"]
    assert margin["drifted"]
    assert margin["current"] > 0.9
    assert margin["deviations"] > 10
    unseen = Reference.of(rows(rng, 300))
    three = rng.dirichlet([1, 1, 1], 300)
    late = detect(unseen, rows(rng, 200), scores=three[:200], reference_scores=three)
    assert {f["name"] for f in late["predictions"]} == {"predicted class", "confidence"}
    assert (
        "the reference has none" in detect(unseen, rows(rng, 200), scores=three[:200])["notes"][0]
    )
    values = Reference.of(rows(rng, 300), scores=rng.normal(50, 9, 300))
    numbers = detect(values, rows(rng, 200), scores=rng.normal(70, 9, (200, 1)))
    assert "prediction" in drifted(numbers)
    assert "margin_density" not in numbers["multivariate"]


def test_a_tiny_shift_of_very_many_rows_is_significant_but_no_drift():
    rng = np.random.default_rng(5)
    past = Reference.of({"x": rng.normal(size=300_000)})
    config = FeatureDriftConfig(numeric=("jensen_shannon",), multivariate=())
    found = detect(past, {"x": rng.normal(0.05, 1, 300_000)}, config)
    measure = found["features"][0]["measures"]["jensen_shannon"]
    assert measure["adjusted_p_value"] < 0.05
    assert measure["size"] < measure["smallest"]
    assert not found["alarm"]
    strict = config.model_copy(update={"sizes": {"jensen_shannon": 0.0}})
    assert detect(past, {"x": rng.normal(0.05, 1, 300_000)}, strict)["alarm"]


def test_skew_is_the_same_comparison_in_other_words(reference, rng):
    window = rows(rng, 500) | {"x": rng.normal(2, 1, 500)}
    drift, served = detect(reference, window), skew(reference, window)
    assert served["features"] == drift["features"]
    assert served["reasons"][0].startswith("x differs between training and serving")


def test_odd_columns_are_compared():
    past = {
        "constant": np.full(200, 0.1),
        "flag": np.arange(200) % 2 == 0,
        "nothing": np.full(200, np.nan),
        "empty": np.full(200, "", object),
        "text": np.array(["a"] * 200),
        "infinite": np.append(np.arange(199.0), np.inf),
    }
    reference = Reference.from_json(json.loads(json.dumps(Reference.of(past).to_json())))
    config = FeatureDriftConfig(numeric=tuple(MEASURES))
    assert not detect(reference, past, config)["alarm"]
    now = {name: values[:100] for name, values in past.items()}
    now |= {
        "constant": np.full(100, np.nextafter(0.1, 0)),
        "flag": np.ones(100, bool),
        "nothing": np.arange(100),
        "empty": np.full(100, np.nan),
        "infinite": past["infinite"][::2],
    }
    found = detect(reference, now, config)
    json.dumps(found, allow_nan=False)
    assert drifted(found) == {"constant", "flag", "nothing"}
    one = detect(reference, {name: values[:1] for name, values in past.items()})
    assert not one["alarm"]
    assert "1 row, fewer than 30" in one["notes"][0]
    assert one["features"][0]["measures"]
    assert one["tests"] == 0


def test_a_reference_keeps_no_more_than_it_may(rng):
    names = np.array([f"v{k}" for k in range(3000)], object)
    reference = Reference.of({"many": rng.choice(names, 20_000), "x": rng.normal(size=20_000)})
    assert len(reference.features["many"].values) == TOP_VALUES
    assert len(reference.sample["x"]) == 2000
    assert len(json.dumps(reference.to_json())) < 200_000
    found = detect(reference, {"many": rng.choice(names, 1000), "x": rng.normal(size=1000)})
    # Which values are new cannot be known, and is not said.
    assert not found["alarm"]
    assert kept(found, "many")["new_values"] == []


def test_values_that_are_new_in_every_window_are_no_drift():
    alarms = 0
    config = FeatureDriftConfig(sizes=ANY, multivariate=(), resamples=99)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        past, now = ({"key": rng.zipf(1.3, n).astype(str)} for n in (400, 200))
        past["row"], now["row"] = (rng.random(n).astype(str) for n in (400, 200))
        alarms += detect(Reference.of(past), now, config)["alarm"]
    assert alarms <= stats.binom.ppf(0.999, 100, 0.05)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": None}, "column:.*x"),
        ({"x": np.array(["a"] * 50, object)}, "column:.*x"),
        ({"word": np.ones(50)}, "column:.*word"),
        ({"x": np.ones(49)}, "one length"),
        ({"x": np.ones((50, 2))}, "one dimension"),
        ({"x": np.ones(50, complex)}, "numbers or text"),
    ],
)
def test_a_window_that_cannot_be_compared_is_refused_by_column(reference, rng, change, told):
    window = {k: v for k, v in (rows(rng, 50) | change).items() if v is not None}
    with pytest.raises(InputError, match=told):
        detect(reference, window)


def test_what_is_impossible_is_refused_and_what_is_left_out_is_said(reference, rng):
    window = rows(rng, 50)
    with pytest.raises(InputError, match="no rows"):
        detect(reference, {name: values[:0] for name, values in window.items()})
    with pytest.raises(InputError, match="no columns"):
        Reference.of({})
    with pytest.raises(InputError, match="nearest: word"):
        detect(reference, window, FeatureDriftConfig(leave_out=("wrod",)))
    with pytest.raises(InputError, match="has a score"):
        detect(reference, window, scores=np.ones((49, 2)) / 2)
    for saved in ({"version": 0}, {"version": 1}, {"version": 1, "rows": 3, "features": 1}, []):
        with pytest.raises(InputError, match="no reference"):
            Reference.from_json(saved)
    found = detect(reference, window | {"more": np.ones(50)}, FeatureDriftConfig(leave_out=("x",)))
    assert "more" in found["notes"][0]
    assert {f["name"] for f in found["features"]} == {"y", "word", "whole"}
