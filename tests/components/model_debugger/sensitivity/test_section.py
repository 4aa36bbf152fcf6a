"""The section says what matters, refuses what makes no sense, and its page shows it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.errors import InputError
from components.model_debugger.sensitivity import card, section
from components.model_debugger.sensitivity.config import SensitivityConfig
from components.models.subject import Subject
from components.page import document
from tests.components.pages import EVIL, check_alone, check_tables


def describe(subject, seconds=60.0, **settings):
    settings = {"samples": 256, "rows": 200, "steps": 5} | settings
    found = section.describe(subject, SensitivityConfig(**settings), Deadline(seconds))
    json.dumps(found, allow_nan=False)
    return found


def page(described):
    found = check_alone(document("Model", "Model", card.section(described)))
    check_tables(found)
    return found


def formula(values):
    x = values["x"] - 5
    return 2 * x * (values["city"] == "B") + 0.2 * values["count"]


@pytest.fixture(scope="module")
def binary(make_subject):
    subject = make_subject("binary", formula)
    return subject, describe(subject, monotonic={"count": "increasing", "x": "increasing"})


def test_what_matters_comes_first(binary):
    _, found = binary
    order = [each["column"] for each in found["sobol"]["columns"]]
    assert order[-1] == "gaps"
    totals = {each["column"]: each["total"] for each in found["sobol"]["columns"]}
    firsts = {each["column"]: each["first"] for each in found["sobol"]["columns"]}
    # Two columns work together: much of their effect is none of either alone.
    assert totals["x"] - firsts["x"] > 0.1
    assert totals["gaps"] == pytest.approx(0, abs=1e-9)
    assert {each["column"] for each in found["responses"][:3]} == {"x", "city", "count"}
    assert [each["column"] for each in found["responses"]][-1] == "gaps"
    assert found["responses"][-1]["swing"] == 0
    assert found["outputs"] == ["yes"]
    assert [each["column"] for each in found["missing"]][-1] == "gaps"
    assert found["metric"]["name"] == "AUC"


def test_declared_directions_come_first_and_are_checked(binary):
    _, found = binary
    declared = {each["column"]: each for each in found["monotonic"][:2]}
    assert declared["count"]["violations"] == 0.0
    assert declared["x"]["violations"] == 0.0
    assert declared["count"]["observed"] == "increasing"
    assert found["monotonic"][2]["column"] == "gaps"
    assert found["monotonic"][2]["violations"] is None


def test_least_stable_rows(binary):
    subject, found = binary
    rows = found["unstable_rows"]
    assert [each["distance"] for each in rows] == sorted(
        (each["distance"] for each in rows), reverse=True
    )
    place = rows[0]["row"] - 100
    assert rows[0]["columns"]["count"] == subject.columns["count"][place]
    assert rows[0]["prediction"] in subject.classes


def test_the_page_shows_it(binary):
    _, found = binary
    shown = page(found)
    assert len(shown.named("svg")) == 1 + len(found["responses"])
    assert "P(y = yes)" in shown.text
    assert len(card.lines(found)) == 1
    assert card.lines(found)[0].startswith("sensitivity: predictions depend most on")


def test_a_broken_direction_is_said_first(make_subject):
    subject = make_subject("regression", lambda v: -v["x"] + v["count"])
    found = describe(subject, monotonic={"x": "increasing"}, samples=0)
    assert found["sobol"] is None
    assert found["spread"] == pytest.approx(subject.sample(200).scores.std())
    text = "100.0% of the rows disobey the declared direction of x (increasing)"
    assert card.lines(found)[1] == f"monotonicity: {text}"
    assert text in page(found).text


def test_some_columns(make_subject):
    found = describe(make_subject("regression", formula), columns=["x", "city"])
    for part in ("responses", "missing"):
        assert {each["column"] for each in found[part]} == {"x", "city"}
    assert {each["column"] for each in found["sobol"]["columns"]} == {"x", "city"}


def test_several_classes(make_subject):
    def odds(values):
        return np.stack(
            [values["x"] / 2, 2 + values["count"] * 0, 3.0 * (values["city"] == "A"), values["x"]],
            axis=1,
        )

    subject = make_subject("multiclass", odds, classes=("a", EVIL, "c", "d"))
    found = describe(subject)
    assert found["monotonic"] == []
    assert any("monotonicity is not checked" in note for note in found["notes"])
    assert len(found["outputs"]) == 3
    shown = page(found)
    assert "<script>" in shown.text or EVIL not in found["outputs"]


def test_names_from_data_stay_texts(make_subject, make_columns):
    columns = make_columns() | {EVIL: np.array([EVIL, "b"] * 200, object)}
    subject = make_subject("regression", lambda v: 5.0 * (v[EVIL] == "b"), columns)
    found = describe(subject)
    assert found["sobol"]["columns"][0]["column"] == EVIL
    assert "<script>alert('1')</script>" in page(found).text
    assert "\x00" not in "".join(card.lines(found))


def test_a_column_that_the_model_needs(make_subject):
    found = describe(make_subject("regression", formula))
    needed = {each["column"] for each in found["missing"] if each["distance"] is None}
    assert needed == {"x", "count"}
    assert any("x, count" in note or "count, x" in note for note in found["notes"])
    page(found)


def test_times_are_shown_as_dates(make_subject, make_columns):
    columns = make_columns() | {"day": 1.4e9 + 86400.0 * np.arange(400)}
    subject = make_subject("regression", lambda v: v["day"] / 1e6, columns)
    subject = dataclasses.replace(subject, time=columns["day"])
    found = describe(subject)
    assert found["time_column"] == "day"
    assert found["responses"][0]["time"]
    assert "2014-05-" in page(found).text


def test_columns_of_one_value_are_named(make_subject, make_columns):
    columns = make_columns() | {"same": np.full(400, 3.0)}
    found = describe(make_subject("regression", lambda v: v["x"], columns))
    assert "same" not in {each["column"] for each in found["responses"]}
    assert any("same" in note for note in found["notes"])


def test_a_constant_model(make_subject):
    found = describe(make_subject("binary", lambda v: v["x"] * 0))
    assert found["sobol"]["columns"][0]["total"] is None
    assert found["unstable_rows"] == []
    assert {each["observed"] for each in found["monotonic"]} == {"none"}
    assert "do not vary" in page(found).text
    card.lines(found)


def test_what_there_is_no_time_for_is_named(make_subject):
    found = describe(make_subject("binary", formula), 1e-9, monotonic={"x": "increasing"})
    assert found["responses"] == found["missing"] == found["noise"] == []
    assert found["sobol"] is None
    notes = " ".join(found["notes"])
    for what in ("the response of x, count, gaps, city", "the monotonicity of x", "Sobol"):
        assert what in notes
    page(found)
    assert card.lines(found) == ["sensitivity: nothing was measured"]


def test_equal_seeds_give_equal_results(make_subject):
    one, other = (describe(make_subject("binary", formula)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("task", "settings", "setting", "text"),
    [
        ("binary", {"columns": ["cty"]}, "columns", "nearest: city"),
        ("binary", {"monotonic": {"y": "increasing"}}, "monotonic", "no column 'y'"),
        ("binary", {"monotonic": {"city": "increasing"}}, "monotonic", "is text"),
        ("multiclass", {"monotonic": {"x": "increasing"}}, "monotonic", "several classes"),
    ],
)
def test_bad_settings(make_subject, task, settings, setting, text):
    def odds(values):
        found = values["x"]
        return found if task == "binary" else np.stack([found, found * 0, -found], axis=1)

    classes = ("a", "b", "c") if task == "multiclass" else ()
    with pytest.raises(InputError, match=text) as caught:
        describe(make_subject(task, odds, classes=classes), **settings)
    assert caught.value.details["setting"] == f"debugger.sensitivity.{setting}"


@pytest.mark.parametrize("samples", [3, 1000, 2])
def test_a_sample_that_is_no_power_of_two(samples):
    with pytest.raises(InputError, match="power of two"):
        SensitivityConfig(samples=samples)


def test_images():
    import tf_keras

    from components.models.transformed import IMAGE

    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    pixels = random.uniform(90, 110, (60, 6, 6, 1)).astype(np.float32)
    # The class is which half is lighter.
    pixels[labels == 1, :, :3] += 30
    inputs = tf_keras.Input((6, 6, 1), name=IMAGE)
    weights = np.where(np.arange(36) % 6 < 3, 1.0, -1.0)[:, None] / 50
    layer = tf_keras.layers.Dense(1)
    model = tf_keras.Model(inputs, layer(tf_keras.layers.Flatten()(inputs)))
    layer.set_weights([weights, np.array([-5.4])])
    p = 1 / (1 + np.exp(-model.predict(pixels, verbose=0)))
    subject = Subject(
        task="binary",
        classes=("0", "1"),
        label="digit",
        columns={},
        labels=labels,
        scores=np.hstack([1 - p, p]),
        predict=None,
        images=pixels,
        model=model,
        arrays={IMAGE: pixels},
        features=None,
        time=None,
        row_ids=np.arange(60),
        seed=1,
    )
    found = describe(subject, noise=[0.02, 0.5])
    by = {(each["name"], each["size"]): each for each in found["images"]}
    # Shifts are by whole pixels of six.
    assert [size for name, size in by if name == "shift"] == [1 / 6, 3 / 6]
    assert len(by) == 8
    assert by["noise", 0.02]["changed"] <= by["noise", 0.5]["changed"]
    assert by["noise", 0.5]["changed"] > 0
    # Both halves become lighter together: nothing changes, up to rounding.
    assert by["brightness", 0.02]["distance"] == pytest.approx(0, abs=1e-4)
    assert found["metric"]["value"] == 1.0
    assert any("do not apply" in note for note in found["notes"])
    assert "Stability" in page(found).text
    assert card.lines(found)[0].startswith("sensitivity: ")
    with pytest.raises(InputError, match="no column"):
        describe(subject, monotonic={"x": "increasing"})
    assert "No time" in " ".join(describe(subject, 1e-9)["notes"])
