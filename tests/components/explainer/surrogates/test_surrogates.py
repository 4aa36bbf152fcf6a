"""Surrogates against models that are what they are made of."""

import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.explainer.surrogates import card
from components.explainer.surrogates.config import SurrogatesConfig
from components.explainer.surrogates.explanation import METHOD
from tests.components.explainer.problems import images, numbers, problem
from tests.components.pages import EVIL, Document, check_tables


def explanation(given, *, seconds=60.0, **settings):
    return METHOD.explain(given, SurrogatesConfig(**settings), Deadline(seconds))


def explained(given, **settings):
    return explanation(given, **settings).found


def mixed(rows=400, seed=0):
    random = np.random.default_rng(seed)
    return {
        "x": random.integers(0, 6, rows).astype(float),
        "z": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 6, rows)),
        "city": random.choice(["A", "B", ""], rows, p=[0.5, 0.3, 0.2]).astype(object),
        "same": np.full(rows, 3.0),
    }


def a_tree(columns):
    of_a = np.where(columns["x"] > 2, 0.9, 0.3)
    others = np.where(np.isnan(columns["z"]), 0.7, 0.1)
    return np.where(columns["city"] == "A", of_a, others)


def ways(found):
    return {text: node["values"] for text, node in card._ways(found["tree"]["nodes"])}


@pytest.fixture(scope="module")
def of_tree():
    return explained(problem(a_tree, mixed(), task="binary"))


def test_the_surrogate_of_a_tree_is_the_tree(of_tree):
    assert of_tree["tree"]["fidelity"] == {"r2": [pytest.approx(1.0)], "agreement": 1.0}
    found = ways(of_tree)
    assert found.keys() == {
        "city = A and x ≤ 2.5",
        "city = A and x > 2.5",
        "city ≠ A and z is missing",
        "city ≠ A and z is not missing",
    }
    assert found["city = A and x > 2.5"] == [pytest.approx(0.9)]
    assert found["city ≠ A and z is missing"] == [pytest.approx(0.7)]
    shares = [node["share"] for node in of_tree["tree"]["nodes"] if node["condition"] is None]
    assert sum(shares) == pytest.approx(1.0)


def test_features_are_ranked_by_what_their_conditions_explain(of_tree):
    importance = of_tree["importance"]
    assert sum(importance.values()) == pytest.approx(1.0)
    assert importance["same"] == 0.0
    assert min(importance["city"], importance["x"]) > importance["z"] > 0


def test_rulefit_meets_what_is_a_sum_of_rules_and_columns():
    columns = {**numbers(500, 3), "city": mixed(500)["city"]}

    def predict(asked):
        return 2 * asked["x1"] + 8.0 * ((asked["x0"] > 0) & (asked["city"] == "B"))

    found = explained(problem(predict, columns), models=("rulefit",))
    assert found["tree"] is None
    assert found["rulefit"]["fidelity"]["r2"][0] > 0.9
    terms = found["rulefit"]["terms"]
    assert 1 <= len([term for term in terms if term["kind"] == "rule"]) <= 20
    linear = {term["text"]: term["weight"] for term in terms if term["kind"] == "linear"}
    assert linear["x1"] == pytest.approx(2.0, abs=0.7)
    assert any("city = B" in term["text"] and "x0 >" in term["text"] for term in terms)
    assert all("x2" not in term["text"] for term in terms[:3])
    sizes = [term["importance"] for term in terms]
    assert sizes == sorted(sizes, reverse=True)


def test_a_poor_surrogate_is_told_as_such():
    found = explained(problem(lambda asked: np.sin(9 * asked["x0"]), numbers(300, 2)))
    assert found["tree"]["fidelity"]["r2"][0] < 0.8
    assert any("does not stand for the model" in note for note in found["notes"])


def test_fidelity_is_that_of_rows_that_were_held_out():
    # Of answers drawn anew for each row nothing can be learned, though it could be fitted.
    columns = {"x0": np.arange(300.0)}
    noise = np.random.default_rng(0).normal(size=300)
    result = explanation(problem(lambda asked: noise[asked["x0"].astype(int)], columns), leaves=60)
    assert result.found["tree"]["fidelity"]["r2"][0] < 0.2
    assert result.found["held_out"] == 90
    table = result.tables["surrogates"].to_pydict()
    assert len(table["model"]) == 90
    np.testing.assert_allclose(table["model"], noise[table["background_row"]])
    error = np.subtract(table["tree"], table["model"])
    total = np.subtract(table["model"], np.mean(table["model"]))
    assert result.found["tree"]["fidelity"]["r2"][0] == pytest.approx(
        1 - (error**2).sum() / (total**2).sum()
    )


def test_classes_share_a_tree():
    def predict(asked):
        place = np.where(asked["city"] == "A", 0, np.where(asked["x"] > 2, 1, 2))
        return np.eye(3)[place] * 0.7 + 0.1

    found = explained(problem(predict, mixed(), task="multiclass"))
    assert found["tree"]["fidelity"]["r2"] == [pytest.approx(1.0)] * 3
    assert found["tree"]["fidelity"]["agreement"] == 1.0
    assert ways(found)["city = A"] == [pytest.approx(value) for value in (0.8, 0.1, 0.1)]
    assert found["rulefit"]["fidelity"]["agreement"] is None
    assert any("RuleFit stands for" in note for note in found["notes"])
    Document(card.section(found))


def test_the_order_of_rows_does_not_matter(of_tree):
    turned = {name: values[::-1] for name, values in mixed().items()}
    again = explained(problem(a_tree, turned, task="binary"))
    assert again["tree"]["nodes"] == of_tree["tree"]["nodes"]
    assert again["rulefit"]["terms"] == of_tree["rulefit"]["terms"]


def test_where_nothing_can_be_fitted_it_is_told():
    few = explained(problem(lambda asked: asked["x0"], numbers(5, 1)))
    assert few["tree"] is few["rulefit"] is None
    assert "they need 10 rows" in few["notes"][0]
    same = explained(problem(lambda asked: asked["x"], {"x": np.ones(40)}))
    assert "no feature varies" in same["notes"][1]
    flat = explained(problem(lambda asked: asked["x0"] * 0 + 1, numbers(40, 1)))
    assert flat["tree"]["fidelity"]["r2"] == [None]
    assert flat["rulefit"] is None
    late = explained(problem(a_tree, mixed(), task="binary"), seconds=0.0)
    assert late["notes"][1:] == [
        "The time was over: there is no decision tree.",
        "The time was over: there is no RuleFit.",
    ]
    for found in (few, same, flat, late):
        json.dumps(found, allow_nan=False)
        Document(card.section(found))
        assert card.lines(found) == []


def test_images_are_refused():
    assert METHOD.refuse(images(), SurrogatesConfig())


def test_the_card_shows_the_tree_and_the_rules_and_stays_text(of_tree):
    json.dumps(of_tree, allow_nan=False)
    document = Document(card.section(of_tree))
    check_tables(document)
    assert "city ≠ A and z is missing" in document.text
    assert "100.0% of them" in document.text
    assert card.lines(of_tree)[0].startswith("surrogates: a tree meets 100%")
    columns = {EVIL: np.array([EVIL, "b", ""] * 40, object), "x": np.arange(120.0)}
    given = problem(lambda asked: 1.0 * (asked[EVIL] == "b") + asked["x"] / 99, columns)
    text = card.section(explained(given))
    Document(text)
    assert "<script" not in text
    assert "alert" in text
