"""The section about attacks: tables and images, with and without gradients, in and out of time."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components import library_mends
from components.attacks.images import ATTACKS
from components.deadline import Deadline
from components.errors import InputError
from components.model_debugger.adversarial import card, section
from components.model_debugger.adversarial.config import NAMES, AdversarialConfig, check
from components.models.subject import Subject
from components.models.transformed import Features, ImageFeature
from components.page import document
from tests.components.pages import check_alone, check_tables

library_mends.apply()
ROWS, SIDE = 80, 6


def _predict(columns):
    """Return scores of steps in hours and in job, without any gradient."""
    positive = np.where(
        (columns["hours"] >= 45) | (columns["job"] == "boss"),
        0.8,
        0.2 + 0.002 * np.nan_to_num(columns["hours"]),
    )
    return np.column_stack([1 - positive, positive])


def _table(task="binary"):
    random = np.random.default_rng(1)
    columns = {
        "hours": random.integers(20, 60, ROWS).astype(float),
        "job": np.array(["boss", "clerk", "cook", "<b>"], object)[random.integers(0, 4, ROWS)],
        "sex": np.array(["f", "m"], object)[random.integers(0, 2, ROWS)],
        "left": (np.arange(ROWS) % 2).astype(float),
        "right": ((np.arange(ROWS) + 1) % 2).astype(float),
    }
    scores = _predict(columns)
    labels = scores.argmax(axis=1)
    labels[:8] = 1 - labels[:8]
    predict = _predict
    if task == "regression":
        predict = lambda c: 10.0 * c["hours"][:, None]  # noqa: E731
        scores, labels = predict(columns), predict(columns)[:, 0] + random.normal(size=ROWS)
    return Subject(
        task=task,
        classes=() if task == "regression" else ("<=50K", ">50K"),
        label="income",
        columns=columns,
        labels=labels,
        scores=scores,
        predict=predict,
        images=None,
        model=None,
        arrays={},
        features=Features(label="income", task=task),
        time=None,
        row_ids=np.arange(ROWS) + 1000,
        seed=1,
    )


def _images(*, steps=False, task="multiclass"):
    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((SIDE, SIDE, 1), name="image")
    pixels = tf_keras.layers.Flatten()(inputs)
    if steps:
        pixels = tf_keras.layers.Lambda(lambda x: tf.floor(x / 64))(pixels)
    model = tf_keras.Model({"image": inputs}, tf_keras.layers.Dense(3)(pixels))
    images = np.random.default_rng(1).integers(60, 200, (ROWS, SIDE, SIDE, 1)).astype(np.uint8)
    logits = model({"image": images.astype(np.float32)}).numpy()
    labels = logits.argmax(axis=1)
    return Subject(
        task=task,
        classes=("a", "b", "<c>"),
        label="label",
        columns={},
        labels=labels,
        scores=tf.nn.softmax(logits).numpy(),
        predict=None,
        images=images,
        model=model,
        arrays={"image": images, "label": labels},
        features=Features(
            label="label",
            task=task,
            image=ImageFeature(
                height=SIDE, width=SIDE, channels=1, mean=(128.0,), deviation=(40.0,)
            ),
        ),
        time=None,
        row_ids=np.arange(ROWS),
        seed=1,
    )


def _config(**settings):
    return AdversarialConfig.model_validate(settings)


def _described(subject, config, seconds=600.0):
    described = section.describe(subject, config, Deadline(seconds))
    page = card.section(described)
    check_tables(check_alone(document("t", "h", page)))
    assert card.lines(described)
    return json.loads(json.dumps(described, allow_nan=False)), page


@pytest.fixture(scope="module")
def table():
    config = _config(
        tables={"immutable": ["job"], "one_hot": [["left", "right"]], "directions": {"hours": "up"}}
    )
    return _described(_table(), config)


def test_tables_tell_success_against_the_budget_in_original_units(table):
    described, page = table
    assert described["kind"] == "tables"
    assert described["accuracy"] == 0.9
    assert described["violations"] == []
    assert described["eps"] == [0.1, 0.25, 0.5, 1.0]
    robust = np.array(described["robust"])
    assert robust.shape == (4, 3)
    assert (np.diff(robust, axis=0) <= 0).all()
    assert (robust <= described["accuracy"]).all()
    # Hours rise only: clerks of less than 45 hours are turned, and nobody else.
    assert all(each["after"] == ">50K" for each in described["examples"])
    assert all(
        change["after"] == 45 for each in described["examples"] for change in each["changes"]
    )
    assert described["examples"][0]["row"] >= 1000
    assert "→ 45" in page
    by_name = {each["name"]: each for each in described["columns"]}
    assert by_name["hours"]["changed"] == 1.0
    assert by_name["left/right"]["kind"] == "one_hot"
    assert described["fixed"] == ["job"]
    assert "needs no gradient" in described["method"]


def test_tables_show_categories_that_decide_alone():
    described, page = _described(_table(), _config())
    top = max(described["columns"], key=lambda each: each["changed"])
    assert top["name"] == "job"
    assert "job" in card.lines(described)[0]
    assert "&lt;b&gt;" in page or "boss" in page
    assert described["median_columns"] == 1


def test_a_regression_is_attacked_by_how_far_it_moves():
    described, page = _described(_table("regression"), _config(tables={"eps": [0.2, 0.9]}))
    assert described["accuracy"] == 1.0
    assert described["change"] > 0
    assert described["robust"][0][0] == 1.0
    assert described["success"] > 0.5
    before, after = (described["examples"][0][key] for key in ("before", "after"))
    assert abs(after - before) > described["change"]
    assert "moved by more than" in page


def test_time_that_is_over_is_told():
    described, _ = _described(_table(), _config(), seconds=0.0)
    assert described["eps"] == []
    assert any("left out" in note for note in described["notes"])
    images, _ = _described(_images(), _config(), seconds=0.0)
    assert images["attacks"] == []
    assert sum("left out" in note for note in images["notes"]) == len(NAMES)


@pytest.fixture(scope="module")
def images():
    config = _config(images={"rows": 30, "minimal_rows": 12, "eps": [0.05, 0.01], "examples": 2})
    return _described(_images(), config)


def test_images_are_attacked_through_both_libraries(images):
    described, page = images
    assert [each["name"] for each in described["attacks"]] == list(NAMES)
    for each in described["attacks"]:
        accuracies = [point["accuracy"] for point in each["curve"]]
        assert accuracies[0] == 1.0
        assert accuracies == sorted(accuracies, reverse=True)
        assert accuracies[-1] == 0.0 or each["budgeted"]
        assert each["rows"] == (30 if each["budgeted"] else 12)
    by_name = {each["name"]: each for each in described["attacks"]}
    pgd = [by_name[f"{library}_pgd"]["curve"][-1] for library in ("cleverhans", "foolbox")]
    assert [point["eps"] for point in pgd] == [0.05, 0.05]
    assert pgd[0]["accuracy"] == pytest.approx(pgd[1]["accuracy"], abs=0.05)
    assert page.count('<img src="data:image/png;base64,') == 5 * 2 * 3
    assert "CleverHans" in page
    assert "Foolbox" in page
    assert described["notes"] == []


def test_without_a_gradient_decisions_do_and_the_result_says_so():
    config = _config(images={"rows": 12, "minimal_rows": 6, "attacks": ["cleverhans_pgd"]})
    described, _ = _described(_images(steps=True), config)
    assert [each["name"] for each in described["attacks"]] == ["foolbox_hop_skip_jump"]
    assert described["substituted"] == ["cleverhans_pgd"]
    [note] = described["notes"]
    assert "no gradient" in note
    assert "PGD by CleverHans" in note
    assert "HopSkipJump" in note


def test_a_regression_of_images_is_left_out_with_a_note():
    described, _ = _described(_images(task="regression"), _config())
    assert described["kind"] == "none"
    assert "nothing was attacked" in described["notes"][0]


def test_the_config_knows_all_attacks():
    assert tuple(ATTACKS) == NAMES


@pytest.mark.parametrize(
    ("tables", "setting"),
    [
        ({"immutable": ["huors"]}, "immutable"),
        ({"one_hot": [["left", "huors"]]}, "one_hot"),
        ({"directions": {"huors": "up"}}, "directions"),
    ],
)
def test_unknown_columns_are_refused_with_the_nearest(tables, setting):
    with pytest.raises(InputError, match="nearest: hours") as error:
        check(_config(tables=tables), ["hours", "left", "right"])
    assert error.value.details["setting"] == f"debugger.adversarial.tables.{setting}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": {"attacks": ["foolbox_pdg"]}}, "nearest: foolbox_pgd"),
        ({"images": {"attacks": []}}, "each once"),
        ({"images": {"attacks": ["foolbox_pgd", "foolbox_pgd"]}}, "each once"),
        ({"tables": {"one_hot": [["a", "b"], ["b", "c"]]}}, "one group"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        _config(**settings)
