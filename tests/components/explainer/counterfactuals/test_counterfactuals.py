"""Counterfactuals against planted flips, and the rules that they keep to."""

import json

import numpy as np
import pytest

from components.attacks.constraints import Rules, violations
from components.deadline import Deadline
from components.errors import InputError
from components.explainer.axes import axis
from components.explainer.counterfactuals import card
from components.explainer.counterfactuals.config import CounterfactualsConfig
from components.explainer.counterfactuals.explanation import METHOD
from components.explainer.counterfactuals.space import Space
from tests.components.explainer.problems import images, numbers, problem
from tests.components.pages import EVIL, Document, check_tables


def explained(given, *, seconds=60.0, **settings):
    return METHOD.explain(given, CounterfactualsConfig(**settings), Deadline(seconds)).found


def mixed(rows=300, seed=0):
    random = np.random.default_rng(seed)
    return {
        "income": random.integers(10, 100, rows).astype(float),
        "debt": np.where(random.random(rows) < 0.1, np.nan, random.integers(0, 50, rows)),
        "city": random.choice(["A", "B", "C"], rows, p=[0.5, 0.3, 0.2]).astype(object),
        "same": np.full(rows, 3.0),
    }


def odds(columns):
    score = columns["income"] - np.nan_to_num(columns["debt"]) - 60.5
    return score + 10.0 * (columns["city"] == "C")


def predict(columns):
    return 1 / (1 + np.exp(-odds(columns) / 10))


def one_row(**values):
    return {
        name: np.array([value], object if isinstance(value, str) else float)
        for name, value in values.items()
    }


def changes(way):
    return {each["feature"]: (each["before"], each["after"]) for each in way["changes"]}


def test_the_nearest_flip_of_each_feature_is_found():
    row = one_row(income=50, debt=2, city="A", same=3)
    found = explained(problem(predict, row, mixed(), task="binary"), max_features=1)
    [each] = found["rows"]
    assert each["decision"] == "y = no"
    # Income must reach 63, the least whole number above 60.5 + 2; nothing else does alone.
    assert [changes(way) for way in each["ways"]] == [{"income": ("50", "63")}]
    assert each["ways"][0]["decision"] == "y = yes"
    assert each["ways"][0]["value"] > 0.5 > each["value"]
    # 13 in median absolute deviations.
    income = mixed()["income"]
    deviation = np.median(np.abs(income - np.median(income)))
    assert each["ways"][0]["distance"] == pytest.approx(13 / deviation)


def test_categories_change_by_name_and_few_features_come_first():
    row = one_row(income=55, debt=2, city="A", same=3)
    [each] = explained(problem(predict, row, mixed(), task="binary"))["rows"]
    ways = [changes(way) for way in each["ways"]]
    assert {"city": ("A", "C")} in ways
    assert {"income": ("55", "63")} in ways
    assert all(len(way) == 1 for way in ways[:2])
    # None changes what another changes as well.
    assert len({frozenset(way) for way in ways}) == len(ways)


def test_several_features_change_where_one_does_not_suffice():
    row = one_row(income=48, debt=30, city="A", same=3)
    given = problem(predict, row, mixed(), task="binary")
    [each] = explained(given, immutable=("income",), max_features=2)["rows"]
    # 48 - debt + 10 > 60.5 is out of reach, with no income.
    assert each["ways"] == []
    row["income"][0] = 55
    given = problem(predict, row, mixed(), task="binary")
    found = explained(given, immutable=("income",), max_features=2)
    [way] = found["rows"][0]["ways"]
    assert changes(way) == {"debt": ("30", "4"), "city": ("A", "C")}
    assert any("income" in note and "immutable" in note for note in found["notes"])
    assert explained(given, immutable=("income",), max_features=1)["rows"][0]["ways"] == []


def test_directions_are_kept_to():
    row = one_row(income=55, debt=30, city="A", same=3)
    given = problem(predict, row, mixed(), task="binary")
    settings = {"immutable": ("city",), "max_features": 1}
    [up] = explained(given, directions={"income": "up", "debt": "up"}, **settings)["rows"]
    assert [list(changes(way)) for way in up["ways"]] == [["income"]]
    [down] = explained(given, directions={"income": "down", "debt": "up"}, **settings)["rows"]
    assert down["ways"] == []


def test_all_rows_keep_to_the_rules_and_are_flipped_by_the_model():
    columns = mixed()
    given = problem(predict, columns, task="binary")
    found = explained(given, rows=40, directions={"income": "up"}, immutable=("same",))
    numeric = {"income", "debt", "same"}
    before, after = [], []
    for each in found["rows"]:
        own = {name: values[each["row"]] for name, values in columns.items()}
        for way in each["ways"]:
            moved = {
                name: float(text) if name in numeric else text
                for name, (_, text) in changes(way).items()
            }
            assert 1 <= len(moved) <= 3
            before.append(own)
            after.append({**own, **moved})

    def table(rows):
        return {
            name: np.array([row[name] for row in rows], values.dtype)
            for name, values in columns.items()
        }

    assert len(after) > 40
    assert ((predict(table(before)) > 0.5) != (predict(table(after)) > 0.5)).all()
    rules = Rules(immutable=frozenset({"same"}), directions={"income": 1})
    assert violations(table(before), table(after), columns, rules, eps=1e9, max_columns=3) == []
    # Bringing any number back by one observed step would undo the flip.
    for own, new in zip(before, after, strict=True):
        if new["income"] != own["income"]:
            known = np.unique(columns["income"])
            less = max(known[known < new["income"]].max(), own["income"])
            kept = predict(table([{**new, "income": less}])) > 0.5
            assert kept == (predict(table([own])) > 0.5)


def test_what_no_row_is_like_is_not_plausible():
    random = np.random.default_rng(0)
    x = random.normal(size=400)
    columns = {"x": x, "y": x + 0.01 * random.normal(size=400), "z": random.normal(size=400)}
    row = one_row(x=-1.0, y=-1.0, z=0.0)

    def predict(asked):
        # By x alone no row would come to lie where it suffices.
        return np.where((asked["x"] > 1.5) | (asked["z"] > 1.0), 0.9, 0.1)

    [each] = explained(problem(predict, row, columns, task="binary"), max_features=1)["rows"]
    assert [list(changes(way)) for way in each["ways"]] == [["z"], ["x"]]
    assert [way["plausible"] for way in each["ways"]] == [True, False]
    assert each["ways"][1]["isolation"] > 0.95
    found = explained(
        problem(predict, row, columns, task="binary"), immutable=("z",), max_features=1
    )
    assert any("in doubt" in note for note in found["notes"])


def test_a_regression_moves_by_more_than_the_change():
    columns = numbers(300, 2)
    given = problem(lambda asked: 5 * asked["x0"], columns)
    found = explained(given, rows=4)
    spread = (5 * columns["x0"]).std()
    assert found["tolerance"] == pytest.approx(spread)
    for each in found["rows"]:
        assert list(changes(each["ways"][0])) == ["x0"]
        assert abs(each["ways"][0]["value"] - each["value"]) > spread


def test_classes_flip_to_any_other():
    def predict(asked):
        raw = np.exp(np.stack([asked["x0"], asked["x1"], -asked["x0"]], axis=1))
        return raw / raw.sum(axis=1, keepdims=True)

    found = explained(problem(predict, numbers(200, 2), task="multiclass"))
    for each in found["rows"]:
        assert each["ways"]
        assert all(way["decision"] != each["decision"] for way in each["ways"])
        assert all(way["value"] < each["value"] for way in each["ways"])


def test_distances_are_in_median_absolute_deviations():
    columns = {"x": np.array([0.0, 1, 2, 3, 100]), "c": np.array(list("aabbb"), object)}
    axes = [axis(name, (name,), columns) for name in columns]
    usual = np.stack([each.encode(columns) for each in axes], axis=1)
    space = Space(axes, usual)
    found = space.distances(
        np.array([[4.0, 0], [np.nan, 0], [np.nan, 1]]), np.array([[1.0, 1]] * 3)
    )
    np.testing.assert_allclose(found, [3 + 1, 1 + 1, 1])
    assert space.isolation(np.array([[1.0, 0.0], [1e6, 0.0]])).tolist()[1] == 1.0


def test_a_value_that_the_background_lacks_can_be_left():
    row = one_row(income=70, debt=2, city="nowhere", same=3)

    def predict(asked):
        return np.where(asked["city"] == "nowhere", 0.1, 0.9)

    [each] = explained(problem(predict, row, mixed(), task="binary"), max_features=1)["rows"]
    assert changes(each["ways"][0]) == {"city": ("nowhere", "A")}


def test_a_missing_number_stays_missing():
    row = one_row(income=55, debt=np.nan, city="A", same=3)
    [each] = explained(problem(predict, row, mixed(), task="binary"))["rows"]
    assert each["ways"]
    assert all("debt" not in changes(way) for way in each["ways"])


def test_the_order_of_rows_does_not_matter():
    columns = mixed()
    turned = {name: values[::-1] for name, values in columns.items()}
    first, second = (explained(problem(predict, each, task="binary")) for each in (columns, turned))
    assert first["changed"] == second["changed"]
    for one, other in zip(first["rows"], second["rows"], strict=True):
        assert [changes(way) for way in one["ways"]] == [changes(way) for way in other["ways"]]


def test_a_passed_deadline_leaves_rows_out_and_says_so():
    found = explained(problem(predict, mixed(), task="binary"), seconds=0.0)
    assert found["rows"] == []
    assert "0 of 5 rows" in found["notes"][0]
    Document(card.section(found))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"immutable": ("citty",)}, "no feature 'citty'"),
        ({"directions": {"nothing": "up"}}, "no feature 'nothing'"),
        ({"directions": {"city": "up"}}, "Only a number"),
    ],
)
def test_rules_must_suit_the_features(settings, text):
    with pytest.raises(InputError, match=text) as caught:
        explained(problem(predict, mixed(), task="binary"), **settings)
    assert f"explainer.counterfactuals.{next(iter(settings))}" in str(caught.value)


def test_images_are_refused():
    assert METHOD.refuse(images(), CounterfactualsConfig())


def test_the_card_shows_the_changes_and_stays_text():
    columns = {**mixed(), EVIL: np.array([EVIL, "b", ""] * 100, object)}
    given = problem(lambda asked: np.where(asked[EVIL] == "b", 0.9, 0.1), columns, task="binary")
    found = explained(given)
    json.dumps(found, allow_nan=False)
    text = card.section(found)
    document = Document(text)
    check_tables(document)
    assert "<script" not in text
    assert "→ b" in document.text
    assert card.lines(found)[0].startswith("counterfactuals: 5 of 5 rows flip")
