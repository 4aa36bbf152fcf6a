"""Shapley values are those of the definition, whichever way they are computed."""

import itertools
import math

import numpy as np
import pytest

from components.deadline import Deadline
from components.explainer.shapley import exact, kernel, kriging, linear, permutation, trees
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.shapley.explanation import METHOD, explain
from components.explainer.shapley.game import Game, all_coalitions
from tests.components.explainer import problems

SAMPLERS = {"kriging": kriging, "kernel": kernel, "permutation": permutation}


def explained(problem, **settings):
    return explain(problem, ShapleyConfig(**settings), Deadline(600))


def tangled(features, seed=0):
    """Return a function of all features with interactions of every order."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(features, 8)) / np.sqrt(features)
    out = random.normal(size=8)
    return lambda columns: np.tanh(1.5 * problems.matrix(columns) @ hidden) @ out


def brute_force(predict, rows, background):
    """Return Shapley values as the mean over all orders, and nothing clever."""
    names = list(rows)
    count, d = len(rows[names[0]]), len(names)

    def won(row, coalition):
        mixed = {
            name: np.full(len(background[name]), rows[name][row])
            if name in coalition
            else background[name]
            for name in names
        }
        return predict(mixed).mean()

    found = np.zeros((count, d))
    for row in range(count):
        worth = {
            subset: won(row, subset)
            for size in range(d + 1)
            for subset in itertools.combinations(names, size)
        }
        for place, name in enumerate(names):
            for subset, value in worth.items():
                if name in subset:
                    continue
                joined = tuple(each for each in names if each in subset or each == name)
                s = len(subset)
                share = math.factorial(s) * math.factorial(d - s - 1) / math.factorial(d)
                found[row, place] += share * (worth[joined] - value)
    return found


def asked(predict, features, rows=6, usual=10):
    """Return a function of coalitions to what they win, and the exact values."""
    own, background = problems.numbers(rows, features, 1), problems.numbers(usual, features, 2)
    game = Game(lambda c: predict(c)[:, None], own, background, [(n,) for n in own], 0)
    [truth] = exact.estimates(game.values, features, 0, 0)
    return game.values, truth


def test_linear_models_have_the_values_of_their_weights():
    weights = np.arange(1.0, 8.0)
    problem = problems.problem(
        lambda c: problems.matrix(c) @ weights,
        problems.numbers(9, 7),
        problems.numbers(15, 7, 1),
    )
    expected = linear.values(
        weights,
        problems.matrix(problem.subject.columns),
        problems.matrix(problem.background.columns),
    )
    for method in ("exact", "kriging", "kernel", "permutation"):
        found = explained(problem, method=method, coalitions=40).attributions.values
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("features", [1, 2, 5, 8])
def test_exact_values_are_those_of_brute_force(features):
    predict = tangled(features, features)
    rows, background = problems.numbers(2, features, 3), problems.numbers(4, features, 4)
    found = explained(problems.problem(predict, rows, background))
    assert found.found["method"] == "exact"
    expected = brute_force(predict, rows, background)
    assert found.attributions.values[:, :, 0] == pytest.approx(expected, abs=1e-10)


def test_ten_features_agree_with_the_regression_over_all_coalitions():
    """The kernel's regression over all 1,024 coalitions has the same solution."""
    ask, truth = asked(tangled(10), 10)
    coalitions = all_coalitions(10)[1:-1]
    size = coalitions.sum(axis=1)
    weights = np.array([9 / (math.comb(10, s) * s * (10 - s)) for s in size])
    won = ask(coalitions)[:, :, 0] - truth.base
    total = truth.predictions - truth.base
    design = coalitions[:, :-1].astype(float) - coalitions[:, -1:]
    target = won - coalitions[:, -1] * total
    left = (design * weights[:, None]).T
    solved = np.linalg.solve(left @ design, left @ target.T).T
    assert truth.values[:, :-1, 0] == pytest.approx(solved, abs=1e-9)


@pytest.mark.parametrize("name", SAMPLERS)
def test_estimates_converge_and_their_errors_are_honest(name):
    ask, truth = asked(tangled(10), 10, rows=40)
    estimates = list(SAMPLERS[name].estimates(ask, 10, 600, 0))
    missed = [np.sqrt(((each.values - truth.values) ** 2).mean()) for each in estimates]
    scale = np.sqrt((truth.values**2).mean())
    assert missed[-1] < 0.04 * scale
    assert missed[-1] < 0.6 * missed[0]
    said = np.sqrt((estimates[-1].errors ** 2).mean())
    assert 0.3 < missed[-1] / said < 1.6
    for each in estimates:
        assert each.gap < 1e-12
        assert each.coalitions <= 600


@pytest.mark.parametrize("name", ["kriging", "kernel"])
def test_estimates_from_all_coalitions_are_exact(name):
    ask, truth = asked(tangled(6), 6)
    *_, last = SAMPLERS[name].estimates(ask, 6, 64, 0)
    assert last.coalitions == 64
    tolerance = 1e-6 if name == "kriging" else 0.1 * np.abs(truth.values).max()
    assert last.values == pytest.approx(truth.values, abs=tolerance)


def test_kriging_needs_a_fraction_of_the_coalitions_that_others_need():
    ask, truth = asked(tangled(12), 12, rows=20)

    def missed(module):
        *_, last = module.estimates(ask, 12, 176, 0)
        return np.sqrt(((last.values - truth.values) ** 2).sum() / (truth.values**2).sum())

    assert missed(kriging) < missed(kernel) / 2
    assert missed(kriging) < missed(permutation) / 2


def test_of_many_features_additive_ones_are_exact_at_once():
    weights = np.linspace(-1, 1, 30)
    problem = problems.problem(lambda c: problems.matrix(c) @ weights, problems.numbers(5, 30))
    found = explained(problem, coalitions=4096)
    assert found.found["method"] == "kriging"
    assert found.found["coalitions"] <= 128
    assert found.found["relative_error"] < 1e-4
    rows = problems.matrix(problem.subject.columns)
    expected = linear.values(weights, rows, rows)
    assert found.attributions.values == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", ["exact", "kriging", "kernel", "permutation"])
def test_axioms(method):
    """Features that do nothing get nothing, and those that do the same get the same."""
    columns = problems.numbers(8, 5)
    background = problems.numbers(10, 5, 1)
    for each in (columns, background):
        each["x1"] = each["x0"].copy()
    problem = problems.problem(
        lambda c: np.sin(c["x0"] + c["x1"]) * c["x2"] + c["x3"] ** 2, columns, background
    )
    found = explained(problem, method=method, coalitions=24)
    values = found.attributions.values[:, :, 0]
    assert found.found["efficiency_gap"] <= 1e-6
    tolerance = 1e-9 if method == "exact" else 0.2
    assert values[:, 0] == pytest.approx(values[:, 1], abs=tolerance)
    assert values[:, 4] == pytest.approx(0, abs=tolerance)
    predictions = problem.values(problem.subject.columns)[:, 0]
    base = problem.values(problem.background.columns)[:, 0].mean()
    assert values.sum(axis=1) + base == pytest.approx(predictions, abs=1e-6)


def test_columns_of_a_group_play_as_one():
    columns, background = problems.numbers(6, 4), problems.numbers(7, 4, 1)
    predict = tangled(4)
    groups = {"both": ("x0", "x2"), "x1": ("x1",), "x3": ("x3",)}
    values = explained(
        problems.problem(predict, columns, background, groups=groups)
    ).attributions.values

    def won(own):
        mixed = {
            name: np.repeat(columns[name], 7) if name in own else np.tile(background[name], 6)
            for name in columns
        }
        return predict(mixed).reshape(6, 7).mean(axis=1)

    games = {
        size: [set(s) for s in itertools.combinations(["x1", "x3"], size)] for size in range(3)
    }
    expected = sum(
        (won(s | {"x0", "x2"}) - won(s)) / (3 * len(games[size]))
        for size in games
        for s in games[size]
    )
    assert values[:, 0, 0] == pytest.approx(expected, abs=1e-10)


def test_interactions_are_those_of_a_product():
    columns, background = problems.numbers(10, 3), problems.numbers(5, 3, 1)
    problem = problems.problem(lambda c: c["x0"] * c["x1"] + c["x2"], columns, background)
    game = Game(problem.values, columns, background, [("x0",), ("x1",), ("x2",)], 0)
    won = game.values(all_coalitions(3))
    found = exact.interactions(won, 3)[..., 0]
    expected = (
        (columns["x0"][:, None] - background["x0"]) * (columns["x1"][:, None] - background["x1"])
    ).mean(axis=1)
    assert 2 * found[:, 0, 1] == pytest.approx(expected)
    assert found[:, 0, 2] == pytest.approx(0)
    [values] = exact.estimates(game.values, 3, 0, 0)
    assert found.sum(axis=2) == pytest.approx(values.values[:, :, 0])
    strongest = explained(problem).found["interactions"][0]
    assert set(strongest["features"]) == {"x0", "x1"}
    assert strongest["mean"] == pytest.approx([expected.mean()])


def test_trees_agree_with_coalitions_and_with_shap():
    import shap
    from sklearn.ensemble import RandomForestRegressor

    from components.models.tree_tables import Tree

    random = np.random.default_rng(0)
    x = random.normal(size=(200, 5))
    forest = RandomForestRegressor(4, max_leaf_nodes=12, random_state=0).fit(
        x, x[:, 0] * x[:, 1] + np.abs(x[:, 2])
    )
    tables = [
        Tree(
            left=each.tree_.children_left,
            right=each.tree_.children_right,
            feature=each.tree_.feature,
            threshold=each.tree_.threshold,
            values=each.tree_.value[:, 0] / 4,
            goes_right={},
        )
        for each in forest.estimators_
    ]
    rows, background = x[:9].astype(np.float32), x[100:120].astype(np.float32)
    found = trees.values(tables, rows, background)[:, :, 0]
    columns = {f"x{j}": rows[:, j] for j in range(5)}
    usual = {f"x{j}": background[:, j] for j in range(5)}
    problem = problems.problem(lambda c: forest.predict(problems.matrix(c)), columns, usual)
    exactly = explained(problem).attributions.values[:, :, 0]
    assert found == pytest.approx(exactly, abs=1e-9)
    theirs = shap.TreeExplainer(forest, background, feature_perturbation="interventional")
    assert found == pytest.approx(theirs.shap_values(rows, check_additivity=False), abs=1e-4)
    grouped = trees.values(tables, rows, background, [(0, 1), (2,), (3, 4)])
    groups = {"a": ("x0", "x1"), "b": ("x2",), "c": ("x3", "x4")}
    problem = problems.problem(
        lambda c: forest.predict(problems.matrix(c)), columns, usual, groups=groups
    )
    assert grouped == pytest.approx(explained(problem).attributions.values, abs=1e-9)


def test_trees_split_by_categories():
    from components.models.tree_tables import Tree

    tree = Tree(
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        feature=np.array([1, 0, 0]),
        threshold=np.zeros(3),
        values=np.array([[0.0], [10.0], [20.0]]),
        goes_right={0: np.array([0, 1, 1])},
    )
    rows, background = np.array([[5.0, 2.0]]), np.array([[1.0, 0.0], [2.0, 1.0]])
    assert trees.values([tree], rows, background)[0, :, 0] == pytest.approx([0, 5])


def test_equal_mixed_rows_are_predicted_once():
    count = [0]

    def predict(columns):
        count[0] += len(columns["a"])
        return np.nan_to_num(columns["a"]) + (columns["b"] == "x")

    rows = {"a": np.array([1.0, np.nan, 2.0]), "b": np.array(["x", "", "y"], object)}
    usual = {"a": np.array([1.0, np.nan]), "b": np.array(["x", ""], object)}
    game = Game(lambda c: predict(c)[:, None], rows, usual, [("a",), ("b",)], 0)
    won = game.values(all_coalitions(2))
    assert game.asked == 3 * 4 * 2
    assert game.predicted == count[0] == 9
    assert won[0, :, 0] == pytest.approx([1.0, 1.5, 1.5, 2.0])


def test_memory_is_bounded_by_chunks():
    columns, background = problems.numbers(7, 6), problems.numbers(9, 6, 1)
    predict = tangled(6)
    sizes = []

    def counted(asked):
        sizes.append(len(asked["x0"]))
        return predict(asked)[:, None]

    def won(*chunk_rows):
        game = Game(counted, columns, background, [(n,) for n in columns], 0, *chunk_rows)
        return game.values(all_coalitions(6))

    whole = won()
    sizes.clear()
    assert won(100) == pytest.approx(whole, abs=1e-12)
    assert max(sizes) <= 100


def test_method_describes_itself():
    assert METHOD.refuse(problems.images(), ShapleyConfig()) is not None
    assert METHOD.refuse(problems.problem(tangled(3), problems.numbers(4, 3)), None) is None
