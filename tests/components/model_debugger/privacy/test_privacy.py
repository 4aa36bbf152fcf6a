"""Privacy: a model that learned its rows by heart gives them away, one that did not does not."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from components.deadline import Deadline
from components.model_debugger.privacy import card, section
from components.model_debugger.privacy.answers import Answers
from components.model_debugger.privacy.config import PrivacyConfig
from components.model_debugger.privacy.extraction import seen, steal
from components.model_debugger.privacy.leakage import measure
from components.models.subject import Subject
from components.models.transformed import Features
from components.page import document
from tests.components.pages import check_alone, check_tables

ROWS = 600


def _subject(columns, labels, scores, task="binary"):
    return Subject(
        task=task,
        classes=() if task == "regression" else ("no", "yes"),
        label="y",
        columns=columns,
        labels=labels,
        scores=scores,
        predict=None,
        images=None,
        model=None,
        arrays={},
        features=Features(label="y", task=task),
        time=None,
        row_ids=np.arange(len(labels)),
        seed=1,
    )


def _columns(random):
    return {
        "a": np.where(random.random(ROWS) < 0.1, np.nan, random.normal(size=ROWS)),
        "b": random.normal(size=ROWS),
        "c": np.array(["", "x", "y"], object)[random.integers(0, 3, ROWS)],
    }


def _matrix(columns):
    return np.column_stack(
        [np.nan_to_num(columns["a"]), columns["b"], (columns["c"] == "x").astype(float)]
    )


def _halves(model, noise=2.0):
    """Return members and others of a model fitted on the members' noisy labels."""
    random = np.random.default_rng(5)
    made = []
    for _ in range(2):
        columns = _columns(random)
        score = _matrix(columns) @ [1.5, -1.0, 1.0] + noise * random.normal(size=ROWS)
        made.append((columns, (score > 0).astype(np.int64)))
    model.fit(_matrix(made[0][0]), made[0][1])
    return tuple(_subject(c, y, model.predict_proba(_matrix(c))) for c, y in made)


@pytest.fixture(scope="module")
def overfitted():
    members, others = _halves(RandomForestClassifier(30, bootstrap=False, random_state=0))
    return section.describe(others, members, PrivacyConfig(trees=30), Deadline(600))


def _by_name(described):
    return {each["name"]: each for each in described["membership"]}


def test_a_model_that_learned_its_rows_by_heart_leaks(overfitted):
    found = _by_name(overfitted)
    assert list(found) == ["rule", "loss", "model"]
    assert found["loss"]["auc"] > 0.8
    assert found["model"]["auc"] > 0.65
    assert found["rule"]["auc"] > 0.6
    assert all(each["leaks"] for each in found.values())
    assert found["loss"]["advantage"] > 0.5
    assert found["model"]["members"] == ROWS // 2
    assert "members can be told" in card.lines(overfitted)[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_model_that_ignores_its_rows_does_not(seed):
    random = np.random.default_rng(seed)
    model = LogisticRegression().fit(np.zeros((2, 3)), [0, 1])
    subjects = []
    for _ in range(2):
        columns = _columns(random)
        labels = random.integers(0, 2, ROWS)
        scores = model.predict_proba(_matrix(columns)) + random.uniform(0, 0.01, (ROWS, 2))
        subjects.append(_subject(columns, labels, scores))
    described = section.describe(*subjects, PrivacyConfig(trees=30), Deadline(600))
    for each in described["membership"]:
        # Below 0.5, too: what chance gives the attacker's half, the other half lacks.
        assert each["auc"] == pytest.approx(0.5, abs=0.1)
        assert not each["leaks"]
        assert each["tpr"] < 0.05


def test_a_regression_leaks_by_its_residuals():
    random = np.random.default_rng(3)
    parts = []
    for _ in range(2):
        columns = _columns(random)
        parts.append((columns, _matrix(columns)[:, 1] + random.normal(size=ROWS)))
    model = RandomForestRegressor(30, random_state=0).fit(_matrix(parts[0][0]), parts[0][1])
    members, others = (
        _subject(c, y, model.predict(_matrix(c))[:, None], "regression") for c, y in parts
    )
    described = section.describe(others, members, PrivacyConfig(trees=30), Deadline(600))
    found = _by_name(described)
    assert list(found) == ["loss", "model"]
    assert found["loss"]["auc"] > 0.75
    assert found["model"]["auc"] > 0.7
    assert described["extraction"] == []
    assert len(described["notes"]) == 2
    assert all("not for a regression" in note for note in described["notes"])
    check_tables(check_alone(document("t", "h", card.section(described))))


def test_more_queries_make_a_better_copy_than_the_commonest_class(overfitted):
    copies = overfitted["extraction"]
    assert [each["queries"] for each in copies] == [30, 100, 300]  # half of the rows at most
    assert copies[-1]["agreement"] > copies[0]["agreement"]
    assert copies[-1]["agreement"] > copies[-1]["chance"] + 0.15
    assert copies[-1]["distance"] < copies[0]["distance"]
    assert copies[-1]["accuracy"] <= copies[-1]["model_accuracy"] + 0.1


def test_a_copy_is_measured_on_rows_that_were_not_asked_about():
    # Answers by lot: what was asked is known by heart, and of no use on other rows.
    random = np.random.default_rng(1)
    scores = random.dirichlet((0.2, 0.2), ROWS)
    subject = _subject(_columns(random), scores.argmax(axis=1), scores)
    copy = steal(seen(subject), Answers.of(subject), 300, trees=30, seed=1)
    assert copy.agreement == pytest.approx(0.5, abs=0.1)
    assert copy.model_accuracy == 1.0


def test_the_generator_of_numpy_is_left_alone():
    random = np.random.default_rng(1)
    scores = random.dirichlet((1, 1), 60)
    subject = _subject(
        {name: values[:60] for name, values in _columns(random).items()},
        scores.argmax(axis=1),
        scores,
    )
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    first = steal(seen(subject), Answers.of(subject), 20, trees=5, seed=1)
    assert np.random.random() == expected
    assert first == steal(seen(subject), Answers.of(subject), 20, trees=5, seed=1)


def test_measures_are_those_of_the_literature():
    members, others = np.r_[np.ones(30), np.zeros(70)], np.r_[np.ones(1), np.zeros(99)]
    found = measure(members, others)
    assert found.auc == pytest.approx(
        roc_auc_score(np.r_[np.ones(100), np.zeros(100)], np.r_[members, others])
    )
    assert found.tpr == 0.3  # at exactly 1 %
    assert found.advantage == pytest.approx(0.29)
    assert found.leaks
    assert not measure(others, others).leaks
    perfect = measure(np.ones(50), np.zeros(50))
    assert (perfect.auc, perfect.tpr, perfect.advantage) == (1.0, 1.0, 1.0)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in found.curve)


def test_the_interval_holds_chance_at_about_its_level():
    random = np.random.default_rng(1)
    held = [
        found.low <= 0.5 <= found.high
        for found in (measure(*random.normal(size=(2, 100))) for _ in range(200))
    ]
    assert 0.90 <= np.mean(held) <= 0.99


def test_pages_and_json_hold_and_time_that_is_over_is_told(overfitted):
    json.dumps(overfitted, allow_nan=False)
    check_tables(check_alone(document("t", "h", card.section(overfitted))))
    members, others = _halves(RandomForestClassifier(3, random_state=0))
    late = section.describe(others, members, PrivacyConfig(), Deadline(0.0))
    assert late["membership"] == late["extraction"] == []
    assert "left out" in late["notes"][0]
    check_tables(check_alone(document("t", "h", card.section(late))))
    assert card.lines(late) == []
    few = dataclasses.replace(others).take(np.arange(5))
    described = section.describe(few, members, PrivacyConfig(), Deadline(600))
    assert "5 rows" in described["notes"][0]
