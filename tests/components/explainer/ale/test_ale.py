"""Accumulated local effects against known shapes, and against effector."""

import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import axes
from components.explainer.ale import card, effects, similarity
from components.explainer.ale.config import AleConfig
from components.explainer.ale.explanation import METHOD
from tests.components.explainer.problems import images, matrix, numbers, problem
from tests.components.pages import EVIL, Document, check_tables

ROWS = 400


def explained(given, *, seconds=60.0, **settings):
    return METHOD.explain(given, AleConfig(**settings), Deadline(seconds)).found


def feature(found, name):
    return next(each for each in found["features"] if each["name"] == name)


def correlated(rows=ROWS, seed=0):
    columns = numbers(rows, 3, seed)
    columns["x1"] = columns["x0"] + 0.05 * columns["x1"]
    return columns


def test_effects_of_an_additive_model_are_its_shape():
    columns = correlated()
    given = problem(lambda asked: asked["x0"] ** 2 + 3 * asked["x1"], columns)
    found = explained(given, rows=ROWS)
    for name, shape in [("x0", np.square), ("x1", lambda x: 3 * x)]:
        each = feature(found, name)
        left = np.array(each["effect"][0]) - shape(np.array(each["grid"]))
        assert np.ptp(left) < 1e-12
    assert found["importance"]["x2"] < 1e-12
    assert all(pair["interaction"] < 1e-12 for pair in found["pairs"])


def test_correlated_features_do_not_stand_in_for_each_other():
    """Apley and Zhu's reason: partial dependence asks where there are no rows."""

    def predict(asked):
        # Where x0 and x1 are not together, which never is, it says anything.
        apart = np.abs(asked["x0"] - asked["x1"]) > 3
        return np.where(apart, 100.0 * asked["x0"], asked["x0"])

    found = explained(problem(predict, correlated()))
    each = feature(found, "x0")
    left = np.array(each["effect"][0]) - np.array(each["grid"])
    assert np.ptp(left) < 1e-9
    assert found["importance"]["x1"] < 1e-9


def test_effects_are_centred_over_the_rows():
    each = feature(explained(problem(lambda asked: np.exp(asked["x0"]), numbers(ROWS, 2))), "x0")
    assert np.dot(each["share"], each["effect"][0]) == pytest.approx(0.0, abs=1e-12)
    assert sum(each["share"]) == pytest.approx(1.0)


def test_effects_equal_those_of_effector():
    import effector

    data = matrix(numbers(ROWS, 3))

    def predict(x):
        return x[:, 0] * x[:, 1] + np.exp(x[:, 1]) + x[:, 2]

    theirs = effector.ALE(data, predict)
    bins = 12
    theirs.fit(1, centering=False, binning_method=effector.axis_partitioning.Fixed(nof_bins=bins))
    edges = np.linspace(data[:, 1].min(), data[:, 1].max(), bins + 1)
    columns = {f"x{index}": values for index, values in enumerate(data.T)}
    given = problem(lambda asked: predict(matrix(asked)), columns)
    own = effects.of_number(given, columns, axes.of(given)["x1"], edges).effect()[:, 0]
    expected = theirs.eval(1, edges, centering=False)
    np.testing.assert_allclose(own - own[0], expected - expected[0], atol=1e-9)


def test_a_missing_number_is_left_out():
    columns = numbers(60, 2)
    columns["x0"][:20] = np.nan
    found = explained(problem(lambda asked: np.nan_to_num(asked["x0"]) + asked["x1"], columns))
    assert feature(found, "x0")["rows"] == 40
    assert feature(found, "x1")["rows"] == 60


def test_categories_are_effects_of_the_change_between_neighbours():
    random = np.random.default_rng(0)
    columns = {"x": random.normal(size=300), "city": random.choice(["A", "B", "C"], 300)}
    columns["city"] = columns["city"].astype(object)
    value = {"A": 0.0, "B": 5.0, "C": -2.0}
    given = problem(lambda asked: asked["x"] + np.array([value[c] for c in asked["city"]]), columns)
    each = feature(explained(given, rows=300), "city")
    mean = np.mean([value[c] for c in columns["city"]])
    for label, effect in zip(each["labels"], each["effect"][0], strict=True):
        assert effect == pytest.approx(value[label] - mean)


def test_categories_come_in_the_order_of_likeness():
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, 4000)
    # The middle of x rises from 2 to 0 to 3 to 1.
    middle = np.array([1.0, 3.0, 0.0, 2.0])
    columns = {"x": middle[codes] + random.normal(size=4000), "k": codes.astype(float)}
    axis = axes.axis("x", ("x",), columns)
    order = similarity.order(codes, {"x": (axis, columns["x"])}, 4)
    assert order.tolist() in ([2, 0, 3, 1], [1, 3, 0, 2])
    # A category that tells them apart does as well.
    kind = axes.axis("kind", ("kind",), {"kind": np.array(["p", "q"], object)})
    pull = (random.random(4000) < middle[codes] / 3).astype(float)
    order = similarity.order(codes, {"kind": (kind, pull)}, 4)
    assert order.tolist() in ([2, 0, 3, 1], [1, 3, 0, 2])


def test_a_product_is_a_joint_effect():
    """For x y with independent features it is (x - E x)(y - E y)."""
    columns = numbers(4000, 2, seed=3)
    given = problem(lambda asked: asked["x0"] * asked["x1"], columns)
    pair = tuple(axes.of(given).values())
    edges = tuple(np.linspace(-2, 2, 9) for _ in range(2))
    inside = np.flatnonzero((np.abs(matrix(columns)) < 2).all(axis=1))
    effect, counts = effects.of_pair(given, axes.taken(columns, inside), pair, edges)
    assert counts.sum() == len(inside)
    np.testing.assert_allclose(effect[..., 0], np.outer(*edges), atol=0.12)


def test_cells_without_rows_take_the_nearest_difference():
    line = np.linspace(0, 1, 50)
    columns = {"x0": line, "x1": line}
    given = problem(lambda asked: asked["x0"] * asked["x1"], columns)
    pair = tuple(axes.of(given).values())
    edges = (np.linspace(0, 1, 5),) * 2
    effect, counts = effects.of_pair(given, columns, pair, edges)
    assert (counts > 0).sum() < 8
    # The mixed difference of a product is the same everywhere, so nothing is lost.
    mixed = np.diff(np.diff(effect[..., 0], axis=0), axis=1)
    np.testing.assert_allclose(mixed, 1 / 16)


def test_intervals_hold_the_effect_of_all_rows():
    columns = numbers(4000, 2, seed=1)

    def predict(asked):
        return asked["x0"] * (1 + asked["x1"])

    # In the mean over x1 the slope is 1: its sampling is what the interval is about.
    missed = []
    for seed in range(12):
        few = {name: values[seed * 100 : seed * 100 + 100] for name, values in columns.items()}
        each = feature(explained(problem(predict, few, seed=seed), pairs=()), "x0")
        grid = np.array(each["grid"])
        truth = grid - np.dot(each["share"], grid)
        missed += [((truth < each["low"]) | (truth > each["high"])).mean()]
        assert np.mean(np.subtract(each["high"], each["low"])) > 0.05
    assert np.mean(missed) < 0.2
    assert each["low"] is not None
    narrow = feature(explained(problem(lambda asked: asked["x0"], columns), pairs=()), "x0")
    assert np.ptp(np.subtract(narrow["high"], narrow["low"])) < 0.5


def test_the_order_of_rows_does_not_matter():
    columns = {**numbers(90, 2), "c": np.array(["a", "b", "c"] * 30, object)}
    turned = {name: values[::-1] for name, values in columns.items()}
    first, second = (
        explained(problem(lambda asked: asked["x0"] * (asked["c"] == "a"), each), rows=40)
        for each in (columns, turned)
    )
    assert first["importance"] == pytest.approx(second["importance"])
    for one, other in zip(first["features"], second["features"], strict=True):
        assert one["labels"] == other["labels"]
        np.testing.assert_allclose(one["low"], other["low"], atol=1e-12)


def test_what_does_not_vary_or_has_no_time_is_told():
    columns = {**numbers(30, 1), "same": np.full(30, 2.0), "flag": np.full(30, "x", object)}
    columns["half"] = np.where(np.arange(30) % 2, np.nan, 1.0)
    given = problem(lambda asked: asked["x0"], columns)
    found = explained(given)
    assert found["constant"] == ["same", "flag"]
    assert any("half" in note for note in found["notes"])
    assert {found["importance"][name] for name in ("same", "flag", "half")} == {0.0}
    found = explained(given, seconds=0.0)
    assert found["features"] == found["pairs"] == []
    assert "x0" in found["notes"][0]
    Document(card.section(found))


def test_many_categories_are_cut_and_told():
    columns = {"c": np.array([f"k{place % 30:02d}" for place in range(300)], object)}
    found = explained(problem(lambda asked: (asked["c"] == "k01") * 1.0, columns), categories=5)
    assert len(feature(found, "c")["labels"]) == 5
    assert "5 of 30 categories" in found["notes"][0]


@pytest.mark.parametrize(
    ("pairs", "text"), [((("x", "zz"),), "no feature 'zz'"), ((("x", "c"),), "numbers only")]
)
def test_pairs_must_be_numbers_that_exist(pairs, text):
    columns = {"x": np.arange(8.0), "c": np.array(["a", "b"] * 4, object)}
    with pytest.raises(InputError, match=text) as caught:
        explained(problem(lambda asked: asked["x"], columns), pairs=pairs)
    assert "explainer.ale.pairs" in str(caught.value)


def test_images_are_refused():
    assert METHOD.refuse(images(), AleConfig())


def test_the_card_shows_every_feature_and_stays_text():
    columns = {**numbers(60, 2), EVIL: np.array([EVIL, "b", ""] * 20, object)}
    found = explained(
        problem(lambda asked: asked["x0"] * asked["x1"] + (asked[EVIL] == "b"), columns)
    )
    json.dumps(found, allow_nan=False)
    text = card.section(found)
    document = Document(text)
    check_tables(document)
    assert "<script" not in text
    assert "Joint effects" in document.text
    assert "95% confidence" in document.text
    assert card.lines(found)[0].startswith("local effects: most of ")
