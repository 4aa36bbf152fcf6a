"""The section says what it found and what it left out, and its page shows it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.model_debugger.residuals import card, section
from components.model_debugger.residuals.config import ResidualsConfig
from components.page import document
from tests.components.pages import EVIL, check_alone, check_tables


def describe(subject, seconds=60.0, **settings):
    found = section.describe(subject, ResidualsConfig(**settings), Deadline(seconds))
    json.dumps(found, allow_nan=False)
    return found


def page(described):
    text = document("Model", "Model", card.section(described))
    found = check_alone(text)
    check_tables(found)
    return found


def findings(described):
    return [
        (test["family"], test["kind"], test["name"]) for test in described["tests"] if test["found"]
    ]


@pytest.fixture(scope="module")
def regression(make_regression):
    def error(columns, random):
        return random.normal(size=len(columns["x"])) + 2.0 * (columns["city"] == "C")

    subject = make_regression(error)
    return subject, describe(subject)


def test_the_planted_column_comes_first(regression):
    _, found = regression
    first = found["tests"][0]
    assert (first["family"], first["name"], first["found"]) == ("level", "city", True)
    assert first["high"]["name"] == "C"
    assert first["high"]["value"] == pytest.approx(2.0, abs=0.3)
    assert ("spread", "column", "x") not in findings(found)
    assert found["worst_slices"]["slices"][0]["name"] == "city=C"
    assert [picture["name"] for picture in found["pictures"]][:3] == ["prediction", "time", "city"]


def test_worst_rows_are_those_of_the_greatest_residuals(regression):
    subject, found = regression
    residuals = subject.labels - subject.scores[:, 0]
    worst = found["worst_rows"]
    assert [row["residual"] for row in worst] == sorted(residuals, key=lambda r: -abs(r))[:10]
    row = int(np.abs(residuals).argmax())
    assert worst[0]["row"] == subject.row_ids[row]
    assert worst[0]["columns"]["x"] == subject.columns["x"][row]
    assert worst[0]["label"] == pytest.approx(worst[0]["prediction"] + worst[0]["residual"])


def test_the_page_shows_it(regression):
    _, found = regression
    shown = page(found)
    assert len(shown.named("svg")) == len(found["pictures"]) + 2
    assert "city=C" in shown.text
    assert "most clearly, the mean of residuals differs with city" in shown.text
    assert card.lines(found)[0].startswith("residuals: ")
    assert "worst slice: city=C" in card.lines(found)[1]


def test_without_a_time_nothing_is_said_of_autocorrelation(make_regression):
    subject = make_regression(lambda c, r: r.normal(size=len(c["x"])), 200, 1, time=False)
    found = describe(subject)
    assert "autocorrelation" not in {test["family"] for test in found["tests"]}
    assert any("no time column" in note for note in found["notes"])
    assert findings(found) == []
    assert "none of" in card.lines(found)[0]


def test_a_time_that_is_a_column_has_its_name_and_dates(make_regression):
    subject = make_regression(
        lambda c, r: r.normal(size=len(c["x"])) + np.linspace(-2, 2, 600), 600
    )
    subject = dataclasses.replace(subject, columns=subject.columns | {"day": subject.time})
    found = describe(subject)
    assert found["time_column"] == "day"
    # It is not tested twice.
    first = next(test for test in found["tests"] if test["family"] == "trend")
    assert (first["kind"], first["name"], first["found"]) == ("time", "day", True)
    assert ("column", "day") not in {(test["kind"], test["name"]) for test in found["tests"]}
    assert first["low"]["name"].startswith("1970-01-01 to 1970-")
    shown = page(found).text
    assert "Against day" in shown
    assert "1971-" in shown


def test_an_exact_regression_has_nothing_to_test(make_subject, make_columns):
    random = np.random.default_rng(0)
    labels = np.exp(5 * random.normal(size=500))
    subject = make_subject(
        "regression",
        labels,
        labels.astype(np.float32)[:, None],
        make_columns(500, random),
        time=np.arange(500.0),
    )
    found = describe(subject)
    assert found["tests"] == []
    assert any("exact up to rounding" in note for note in found["notes"])
    page(found)


@pytest.mark.parametrize("sure", [1.0, 0.999])
def test_silent_of_a_perfect_classifier(make_subject, make_columns, sure):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 600)
    scores = np.full((600, 3), (1 - sure) / 2)
    scores[np.arange(600), labels] = sure
    subject = make_subject(
        "multiclass", labels, scores, make_columns(600, random), classes=("a", "b", "c")
    )
    found = describe(subject)
    assert findings(found) == []
    assert any("tests were left out" in note for note in found["notes"])
    page(found)


def test_several_classes(make_subject, make_columns):
    random = np.random.default_rng(2)
    columns = make_columns(3000, random)
    scores = random.dirichlet([2, 2, 1, 1], 3000)
    labels = np.array([random.choice(4, p=p) for p in scores])
    # One class comes where another is said.
    labels[(columns["city"] == "B") & (labels == 0)] = 1
    subject = make_subject("multiclass", labels, scores, columns, classes=("a", "b", "c", "d"))
    found = describe(subject, classes=3, worst_rows=3)
    assert found["series"][0]["name"] == "b"
    assert len(found["series"]) == 3
    assert any("3 most frequent" in note for note in found["notes"])
    assert {test["series"] for test in found["tests"] if test["found"]} >= {"a", "b"}
    assert found["tests"][0]["name"] == "city"
    row = found["worst_rows"][0]
    own = np.flatnonzero(subject.row_ids == row["row"])[0]
    assert row["probability"] == scores[own].tolist()[labels[own]]
    assert len(found["worst_rows"]) == 3
    page(found)


def test_names_from_data_stay_texts(make_subject):
    random = np.random.default_rng(2)
    columns = {EVIL: random.choice([EVIL, "b"], 900).astype(object)}
    scores = random.dirichlet([2, 2, 1], 900)
    labels = np.where(columns[EVIL] == EVIL, 0, scores.argmax(axis=1))
    found = describe(make_subject("multiclass", labels, scores, columns, classes=(EVIL, "b", "c")))
    assert found["tests"][0]["series"] == EVIL
    assert "<script>alert('1')</script>" in page(found).text
    assert "\x00" not in "".join(card.lines(found))


def test_images_have_no_columns(make_subject):
    random = np.random.default_rng(0)
    scores = random.dirichlet([1, 1, 1], 300)
    subject = make_subject(
        "multiclass", random.integers(0, 3, 300), scores, {}, classes=("a", "b", "c")
    )
    found = describe(subject)
    assert any("no raw columns" in note for note in found["notes"])
    # Labels have nothing to do with these probabilities.
    assert ("trend", "prediction", "prediction") in findings(found)
    page(found)


def test_what_there_is_no_time_for_is_named(make_regression):
    subject = make_regression(lambda c, r: r.normal(size=len(c["x"])), 200)
    found = describe(subject, 1e-9)
    note = next(note for note in found["notes"] if "not tested against" in note)
    assert "x, z, city" in note
    assert found["worst_slices"]["slices"] == []
    assert {test["kind"] for test in found["tests"]} <= {"zero", "prediction", "time"}
    assert len(found["worst_rows"]) == 10
    page(found)


def test_equal_seeds_give_equal_results(make_binary):
    subject = make_binary(lambda odds, columns: odds, 300, time=True)
    assert describe(subject) == describe(subject)
