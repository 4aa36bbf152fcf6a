"""Anchors against planted rules, and the bandit that finds them."""

import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.explainer.anchors import bandit, card
from components.explainer.anchors.config import AnchorsConfig
from components.explainer.anchors.explanation import METHOD
from tests.components.explainer.problems import images, numbers, problem
from tests.components.pages import EVIL, Document, check_tables


def explained(given, *, seconds=60.0, **settings):
    return METHOD.explain(given, AnchorsConfig(**settings), Deadline(seconds)).found


def mixed(rows=400, seed=0):
    random = np.random.default_rng(seed)
    return {
        "x": random.integers(0, 4, rows).astype(float),
        "z": np.where(random.random(rows) < 0.2, np.nan, random.normal(size=rows)),
        "city": random.choice(["A", "B", ""], rows, p=[0.5, 0.3, 0.2]).astype(object),
        "same": np.full(rows, 3.0),
    }


def planted(columns):
    """Return the chance of yes: high where the city is A and x is 3."""
    return np.where((columns["city"] == "A") & (columns["x"] == 3), 0.9, 0.1)


@pytest.fixture(scope="module")
def of_planted():
    return explained(problem(planted, mixed(), task="binary"), rows=6)


def test_the_planted_rule_is_found(of_planted):
    said_yes = [each for each in of_planted["rows"] if each["decision"] == "y = yes"]
    said_no = [each for each in of_planted["rows"] if each["decision"] == "y = no"]
    assert said_yes
    assert said_no
    columns = mixed()
    share = ((columns["city"] == "A") & (columns["x"] == 3)).mean()
    for each in said_yes:
        assert set(each["conditions"]) == {"city = A", "x > 2"}
        assert each["precision"] == 1.0
        assert each["coverage"] == pytest.approx(share)
        assert each["holds"]
    # One of the two suffices to be no.
    for each in said_no:
        assert len(each["conditions"]) == 1
        assert each["features"] in (["city"], ["x"])


def test_where_the_decision_is_always_alike_the_rule_is_empty():
    [first, *_] = explained(
        problem(lambda asked: asked["x0"] * 0 + 0.2, numbers(50, 2), task="binary")
    )["rows"]
    assert first["conditions"] == []
    assert first["coverage"] == 1.0
    assert first["holds"]


def test_the_precision_is_that_of_rows_drawn_by_the_rule():
    """Of the rows with city A a known share decides alike."""
    columns = mixed(3000)
    columns["x"] = np.random.default_rng(5).random(3000)
    rate = 0.985

    def predict(asked):
        return ((asked["city"] == "A") & (asked["x"] < rate)) * 0.8

    rows = {name: values[:1].copy() for name, values in columns.items()}
    rows["city"][0], rows["x"][0] = "A", 0.5
    given = problem(predict, rows, columns, task="binary")
    [each] = explained(given, parts=2, samples=50_000)["rows"]
    assert each["conditions"] == ["city = A"]
    assert each["precision"] == pytest.approx(rate, abs=0.03)
    assert each["low"] < rate
    assert each["coverage"] == pytest.approx((columns["city"] == "A").mean())


def test_a_rule_that_cannot_be_is_told_as_such():
    # Nothing but x itself, finer than its intervals, decides.
    def predict(asked):
        return np.where(np.sin(200 * asked["x0"]) > 0, 0.9, 0.1)

    found = explained(problem(predict, numbers(300, 2), task="binary"), rows=3, samples=3000)
    assert not any(each["holds"] for each in found["rows"])
    assert any("3 of 3 rows" in note for note in found["notes"])
    assert "not precise enough" in card.section(found)
    assert card.lines(found) == []


def test_a_regression_holds_within_a_tolerance():
    columns = mixed()

    def predict(asked):
        return 10.0 * (asked["city"] == "A") + 0.1 * asked["x"]

    found = explained(problem(predict, columns), rows=3)
    spread = predict(columns).std()
    assert found["tolerance"] == pytest.approx(0.5 * spread)
    # Only whether the city is A moves the answer further than that.
    held = [each["conditions"] for each in found["rows"]]
    assert held[-1] == ["city = A"]
    assert all(len(each) == 1 and each[0].startswith("city") for each in held)


def test_values_that_the_background_lacks_are_put_in_as_they_are():
    columns = mixed()
    rows = {name: values[:1].copy() for name, values in columns.items()}
    rows["city"][0] = "nowhere"
    given = problem(lambda asked: (asked["city"] == "nowhere") * 0.9, rows, columns, task="binary")
    [each] = explained(given)["rows"]
    assert each["conditions"] == ["city = nowhere"]
    assert each["coverage"] == 0.0
    assert each["precision"] == 1.0


def test_the_order_of_rows_does_not_matter(of_planted):
    turned = {name: values[::-1] for name, values in mixed().items()}
    again = explained(problem(planted, turned, task="binary"), rows=6)
    for one, other in zip(of_planted["rows"], again["rows"], strict=True):
        assert {**one, "row": 0} == {**other, "row": 0}
        # Of equal rows any may be chosen.
        for name, values in mixed().items():
            np.testing.assert_array_equal(values[one["row"]], turned[name][other["row"]])


def test_a_constant_column_is_in_no_rule(of_planted):
    assert all("same" not in each["features"] for each in of_planted["rows"])
    only = {"same": np.full(20, 1.0)}
    [first, *_] = explained(problem(lambda asked: asked["same"] * 0.3, only, task="binary"))["rows"]
    assert first["conditions"] == []


def test_a_passed_deadline_leaves_rows_out_and_says_so():
    found = explained(problem(planted, mixed(), task="binary"), seconds=0.0)
    assert found["rows"] == []
    assert "0 of 5 rows" in found["notes"][0]
    Document(card.section(found))


def test_bounds_are_where_the_divergence_is_the_level():
    means, level = np.array([0.2, 0.5, 0.97]), np.array([0.05, 0.3, 0.01])
    for bound, sign in [(bandit.upper, 1), (bandit.lower, -1)]:
        found = bound(means, level)
        np.testing.assert_allclose(bandit.divergence(means, found), level, atol=1e-5)
        assert ((found - means) * sign > 0).all()


def test_the_best_arms_are_found_by_fewer_trials_than_all_need():
    rates = np.array([0.9, 0.3, 0.4, 0.1, 0.7, 0.2])
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(15):
        arms = bandit.Arms(6, lambda places: random.binomial(20, rates[places]), 20, lambda: False)
        wrong += set(arms.best(2, 0.1, 0.05)) != {0, 4}
        # The clear ones are not tried on.
        assert arms.trials[3] < arms.trials[2]
    assert wrong <= 2


def test_images_are_refused():
    assert METHOD.refuse(images(), AnchorsConfig())


def test_the_card_shows_the_rules_and_stays_text(of_planted):
    json.dumps(of_planted, allow_nan=False)
    document = Document(card.section(of_planted))
    check_tables(document)
    assert "city = A" in document.text
    assert card.lines(of_planted)[0].startswith("anchors: ")
    columns = {EVIL: np.array([EVIL, "b"] * 60, object)}
    found = explained(problem(lambda asked: (asked[EVIL] != "b") * 0.9, columns, task="binary"))
    text = card.section(found)
    Document(text)
    assert "<script" not in text
    assert "alert" in text
