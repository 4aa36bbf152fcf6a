"""Partial dependence against known shapes, and against scikit-learn."""

import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import axes
from components.explainer.partial_dependence import card, curves, pairs
from components.explainer.partial_dependence.config import PartialDependenceConfig
from components.explainer.partial_dependence.explanation import METHOD
from tests.components.explainer.problems import images, matrix, numbers, problem
from tests.components.pages import EVIL, Document, check_tables
from tests.components.pages import images as drawings

ROWS = 300


def explained(given, *, seconds=60.0, **settings):
    return METHOD.explain(given, PartialDependenceConfig(**settings), Deadline(seconds))


def feature(found, name):
    return next(each for each in found["features"] if each["name"] == name)


def mixed(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(size=rows),
        "z": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 5, rows)),
        "city": random.choice(["A", "B", ""], rows, p=[0.5, 0.3, 0.2]).astype(object),
        "same": np.full(rows, 3.0),
    }


CITY = {"A": 1.0, "B": -1.0, "": 0.5}


def additive(columns):
    of_z = np.where(np.isnan(columns["z"]), 7.0, columns["z"] ** 2)
    return np.sin(columns["x"]) + of_z + np.array([CITY[each] for each in columns["city"]])


def crossed(columns):
    return columns["x"] * np.where(columns["city"] == "A", 1.0, -1.0)


@pytest.fixture(scope="module")
def of_additive():
    return explained(problem(additive, mixed())).found


@pytest.fixture(scope="module")
def of_crossed():
    return explained(problem(crossed, mixed())).found


def test_the_dependence_of_an_additive_model_is_its_shape(of_additive):
    for name, shape in [("x", np.sin), ("z", np.square)]:
        each = feature(of_additive, name)
        expected = shape(np.array(each["grid"]))
        left = np.array(each["dependence"][0]) - expected
        assert np.ptp(left) < 1e-12
        # So are the curves of all rows, which start at 0.
        np.testing.assert_allclose(each["ice"], np.tile(expected - expected[0], (30, 1)))
    city = feature(of_additive, "city")
    assert city["labels"] == ["A", "B", "(missing)"]
    np.testing.assert_allclose(np.diff(city["dependence"][0]), [-2.0, 1.5])


def test_a_missing_number_has_a_point_of_its_own(of_additive):
    each = feature(of_additive, "z")
    assert each["missing"][0] - each["dependence"][0][0] == pytest.approx(7.0)
    assert feature(of_additive, "x")["missing"] is None


def test_features_are_ranked_by_the_spread_of_their_dependence(of_additive):
    importance = of_additive["importance"]
    assert [each["name"] for each in of_additive["features"]] == ["z", "city", "x"]
    assert importance["z"] == max(importance.values())
    # Over the rows' own values: the three cities are as frequent as drawn.
    cities = mixed()["city"]
    assert importance["city"] == pytest.approx(np.std([CITY[each] for each in cities]))


def test_an_additive_model_has_neither_clusters_nor_interactions(of_additive):
    assert all(each["clusters"] == [] for each in of_additive["features"])
    assert [pair["interaction"] for pair in of_additive["pairs"]] == [0.0] * 3


@pytest.mark.parametrize("how", ["agglomerative", "kmeans"])
def test_clusters_part_rows_that_differ_and_name_what_parts_them(how):
    found = explained(problem(crossed, mixed()), clustering=how, clusters=2).found
    each = feature(found, "x")
    share = float((mixed()["city"] == "A").mean())
    assert sorted(c["share"] for c in each["clusters"]) == pytest.approx(
        sorted([share, 1 - share]), abs=0.08
    )
    ends = sorted(cluster["curve"][-1] for cluster in each["clusters"])
    width = each["grid"][-1] - each["grid"][0]
    assert ends == pytest.approx([-width, width])
    assert each["cluster_feature"]["name"] == "city"
    assert each["cluster_feature"]["strength"] == pytest.approx(1.0, abs=0.01)


def test_an_interaction_is_found_in_its_pair(of_crossed):
    first = of_crossed["pairs"][0]
    assert set(first["names"]) == {"x", "city"}
    assert first["share"] > 0.9
    assert all(pair["interaction"] < 0.1 * first["interaction"] for pair in of_crossed["pairs"][1:])


def test_the_share_of_interaction_of_a_product_is_known():
    # xy + x on -1 and 1: half of the variance is interaction.
    grid = np.array([-1.0, 1.0])
    surface = np.outer(grid, grid) + grid[:, None]
    size, share = pairs.interaction(surface, np.ones((2, 2)))
    assert size == pytest.approx(1.0)
    assert share == pytest.approx(np.sqrt(0.5))


def test_curves_equal_those_of_scikit_learn():
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.inspection import partial_dependence

    class Model(RegressorMixin, BaseEstimator):
        def __init__(self):
            self.fitted_ = True

        def fit(self, x, y):
            return self

        def predict(self, x):
            return x[:, 0] * x[:, 1] + np.exp(x[:, 2])

    columns = {name: np.round(values) for name, values in numbers(80, 3).items()}
    model = Model()
    given = problem(lambda asked: model.predict(matrix(asked)), columns)
    axis = axes.of(given)["x0"]
    own = curves.individual(given, columns, axis, axis.grid(50))
    theirs = partial_dependence(model, matrix(columns), [0], kind="both", grid_resolution=50)
    np.testing.assert_array_equal(axis.grid(50), theirs["grid_values"][0])
    np.testing.assert_allclose(own[..., 0], theirs["individual"][0])
    np.testing.assert_allclose(own[..., 0].mean(axis=0), theirs["average"][0])
    pair = axes.of(given)["x0"], axes.of(given)["x1"]
    grids = pair[0].grid(50), pair[1].grid(50)
    theirs = partial_dependence(model, matrix(columns), [(0, 1)], grid_resolution=50)
    np.testing.assert_allclose(
        pairs.joint(given, columns, pair, grids)[..., 0], theirs["average"][0]
    )


def test_centred_curves_are_those_of_the_formula():
    """Goldstein et al. (2015), section 3.2: f(x, x_C) less f(x*, x_C) at the least x*."""
    columns = numbers(12, 2)
    given = problem(lambda asked: np.exp(asked["x0"]) * asked["x1"], columns)
    each = feature(explained(given, grid=4).found, "x0")
    order = axes.in_order(columns)
    grid = np.exp(np.array(each["grid"]))
    expected = columns["x1"][order][:, None] * (grid - grid[0])
    np.testing.assert_allclose(each["ice"], expected)


def test_correlated_features_are_warned_of():
    columns = numbers(ROWS, 3)
    columns["x1"] = columns["x0"] + 0.01 * columns["x1"]
    found = explained(problem(lambda asked: asked["x0"] + asked["x2"], columns)).found
    assert [each["name"] for each in feature(found, "x0")["correlated"]] == ["x1"]
    assert feature(found, "x2")["correlated"] == []
    [note] = found["notes"]
    assert "ALE" in note
    assert "x0 and x1" in note
    assert "x2" not in note
    # Nowhere but on the diagonal are there rows.
    pair = next(each for each in found["pairs"] if set(each["names"]) == {"x0", "x1"})
    assert (np.array(pair["rows"]) == 0).mean() > 0.5


def test_a_constant_column_is_told_and_not_drawn(of_additive):
    assert of_additive["constant"] == ["same"]
    assert of_additive["importance"]["same"] == 0.0
    assert "same" not in [each["name"] for each in of_additive["features"]]
    assert any("same" in note for note in of_additive["notes"])


def test_classes_have_a_curve_each():
    def predict(columns):
        odds = np.stack([columns["x0"], 0 * columns["x0"], -columns["x0"]], axis=1)
        return np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)

    each = feature(explained(problem(predict, numbers(50, 1), task="multiclass")).found, "x0")
    np.testing.assert_allclose(np.sum(each["dependence"], axis=0), 1.0)
    assert np.shape(each["dependence"]) == (3, len(each["grid"]))


def test_the_order_of_rows_does_not_matter():
    columns = mixed()
    turned = {name: values[::-1] for name, values in columns.items()}
    first, second = (explained(problem(crossed, each), rows=50) for each in (columns, turned))
    assert first.found["importance"] == pytest.approx(second.found["importance"])
    first_tables, second_tables = (
        each.tables["ice"]["answer"].to_numpy() for each in (first, second)
    )
    np.testing.assert_allclose(first_tables, second_tables)


def test_features_of_several_columns_move_together():
    kinds = np.random.default_rng(0).integers(0, 3, 60)
    columns = {f"kind_{index}": (kinds == index).astype(float) for index in range(3)}

    def predict(asked):
        # A row with several ones, or none, would give itself away.
        assert (matrix(asked).sum(axis=1) == 1).all()
        return matrix(asked) @ [1.0, 2.0, 4.0]

    found = explained(problem(predict, columns, groups={"kind": list(columns)})).found
    each = feature(found, "kind")
    assert dict(zip(each["labels"], each["dependence"][0], strict=True)) == {
        "kind_0": 1.0,
        "kind_1": 2.0,
        "kind_2": 4.0,
    }


def test_a_passed_deadline_leaves_features_out_and_says_so():
    found = explained(problem(additive, mixed()), seconds=0.0).found
    assert found["features"] == []
    assert any("x, z, city" in note for note in found["notes"])
    assert card.lines(found) == []
    Document(card.section(found))


def test_a_model_without_numbers_is_an_error():
    def predict(asked):
        # Only at another row's value is it undone.
        return np.where(asked["x0"] > 2 * asked["x1"], np.nan, asked["x0"])

    given = problem(predict, {"x0": np.arange(1.0, 9), "x1": np.arange(1.0, 9)})
    with pytest.raises(InputError, match="no number"):
        explained(given)


def test_pairs_must_exist():
    with pytest.raises(InputError, match="There is no feature 'citty'") as caught:
        explained(problem(additive, mixed()), pairs=(("x", "citty"),))
    assert "explainer.partial_dependence.pairs" in str(caught.value)
    with pytest.raises(InputError, match="paired with itself"):
        explained(problem(additive, mixed()), pairs=(("x", "x"),))


def test_images_are_refused():
    assert METHOD.refuse(images(), PartialDependenceConfig())
    assert METHOD.refuse(problem(additive, mixed()), PartialDependenceConfig()) is None


def test_the_card_shows_every_feature_and_stays_text(of_crossed):
    json.dumps(of_crossed, allow_nan=False)
    document = Document(card.section(of_crossed))
    check_tables(document)
    for name in ("x", "z", "city"):
        assert name in document.text
    assert "no row of the background is near" in document.text
    [line] = card.lines(of_crossed)
    assert "interaction of" in line
    columns = {EVIL: np.array([EVIL, "b", ""] * 9, object), "x": np.arange(27.0)}
    found = explained(problem(lambda asked: asked["x"] * (asked[EVIL] == "b"), columns)).found
    text = card.section(found)
    Document(text)
    assert "<script" not in text
    assert len(drawings(text)) == len(found["features"]) + len(found["pairs"]) + 2


def test_pairs_are_averaged_over_rows_of_all_kinds():
    columns = numbers(ROWS, 3)
    given = problem(lambda asked: asked["x0"] + 0 * asked["x1"] * asked["x2"], columns)
    found = explained(given, pairs=(("x1", "x2"),), pair_rows=30).found
    # x0, by which rows are told apart first, is 0 in the mean of 30 but for its sampling.
    assert np.abs(found["pairs"][0]["dependence"]).max() < 4 / np.sqrt(30)
