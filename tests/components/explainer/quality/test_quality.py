"""Tests of the quality of explanations: known curves, sums, changes and disagreements."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from components.deadline import Deadline
from components.explainer.grad_cam.config import GradCamConfig
from components.explainer.grad_cam.explanation import METHOD as GRAD_CAM
from components.explainer.integrated_gradients.config import IntegratedGradientsConfig
from components.explainer.integrated_gradients.explanation import METHOD as GRADIENTS
from components.explainer.method import Attributions, Explanation
from components.explainer.quality import additivity, agreement, card
from components.explainer.quality.asking import Images, Rows
from components.explainer.quality.config import QualityConfig
from components.explainer.quality.faithfulness import curves, interval, scored
from components.explainer.quality.section import describe
from components.explainer.quality.stability import changed, sensitivities
from tests.components.explainer import networks, problems
from tests.components.pages import EVIL, Document, check_tables

ALWAYS = Deadline(math.inf)
WEIGHTS = np.array([4.0, 2.0, 1.0, 0.5])


@pytest.fixture(scope="module")
def linear():
    """Return a problem of w x, whose background is 0, with columns of equal size."""
    columns = {
        name: np.where(values >= 0, 1.0, -1.0) for name, values in problems.numbers(40, 4).items()
    }
    usual = {name: np.zeros(3) for name in columns}
    return problems.problem(lambda rows: problems.matrix(rows) @ WEIGHTS, columns, usual)


def right(problem, noise=0.0):
    """Return the attributions w x of a linear model, and some noise on them."""
    values = WEIGHTS * problems.matrix(problem.subject.columns)
    values = values + noise * np.random.default_rng(0).normal(size=values.shape)
    importance = dict(zip(problem.features, np.abs(values).mean(axis=0).tolist(), strict=True))
    rows = np.arange(len(values))
    found = {"importance": importance, "notes": []}
    return Explanation(found, attributions=Attributions(rows, values[:, :, None]))


def only(importance):
    return Explanation({"importance": importance, "notes": []})


def test_sums_are_held_against_values():
    random = np.random.default_rng(0)
    attributions = random.normal(size=(30, 4, 2))
    values = attributions.sum(axis=1) + np.array([3.0, -1.0])
    found = additivity.describe(values, attributions)
    np.testing.assert_allclose(found["base"], [3, -1])
    assert found["error"] == pytest.approx(0, abs=1e-12)
    nothing = additivity.describe(values, np.zeros_like(attributions))
    assert nothing["error"] == pytest.approx(1)
    assert additivity.describe(np.ones((5, 1)), np.zeros((5, 2, 1)))["error"] is None


def test_curves_of_a_linear_model_are_sums_of_weights(linear):
    row = np.flatnonzero((problems.matrix(linear.subject.columns) == 1).all(axis=1))[:1]
    ask = Rows(linear, row, 3)
    shares, deletion, insertion = curves(np.array([[0, 1, 2, 3]]), 10, ask)
    np.testing.assert_allclose(shares, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(deletion[0], [7.5, 3.5, 1.5, 0.5, 0])
    np.testing.assert_allclose(insertion[0], [0, 4, 6, 7, 7.5])
    found = scored(shares, deletion, insertion)
    np.testing.assert_allclose(found["deletion"], np.array([7.5, 3.5, 1.5, 0.5, 0]) / 7.5)
    assert found["deletion_area"] == pytest.approx((7.5 / 2 + 3.5 + 1.5 + 0.5) / 4 / 7.5)
    assert found["insertion_area"] == pytest.approx((4 + 6 + 7 + 7.5 / 2) / 4 / 7.5)
    # A value that falls is as good as one that rises.
    turned = scored(shares, -deletion, -insertion)
    assert turned["insertion_area"] == pytest.approx(found["insertion_area"])
    few, _, _ = curves(np.array([[0, 1, 2, 3]]), 2, ask)
    np.testing.assert_allclose(few, [0, 0.5, 1])


def test_absent_features_take_the_values_of_the_background():
    columns = {"a": np.array(["x", "y"], object), "b": np.array([1.0, np.nan]), "c": np.ones(2)}
    usual = {"a": np.array(["z", "z"], object), "b": np.array([5.0, 7.0]), "c": np.zeros(2)}

    def predict(rows):
        return (rows["a"] == "z") * 100 + np.nan_to_num(rows["b"], nan=-1.0) + 10 * rows["c"]

    groups = {"one": ("a", "b"), "two": ("c",)}
    problem = problems.problem(predict, columns, usual, groups=groups)
    there = np.array([[[True, True], [False, True], [True, False], [False, False]]] * 2)
    found = Rows(problem, np.array([1, 0]), 2)(there)
    np.testing.assert_allclose(found, [[9, 116, -1, 106], [11, 116, 1, 106]])


def test_the_right_order_is_best_and_the_wrong_one_worst(linear):
    backwards = {"x0": 0.5, "x1": 1.0, "x2": 2.0, "x3": 4.0}
    explanations = {"right": right(linear), "wrong": only(backwards)}
    found = describe(linear, explanations, QualityConfig(random_orders=5), ALWAYS)
    methods = {each["method"]: each for each in found["faithfulness"]["methods"]}
    assert methods["right"]["gain"] > methods["chance"]["gain"] > methods["wrong"]["gain"]
    assert methods["right"]["interval"][0] > 0 > methods["wrong"]["interval"][1]
    # An order by chance gains nothing: what it takes away last is what it would add first.
    assert abs(methods["chance"]["gain"]) < 0.15
    assert found["faithfulness"]["methods"][0]["method"] == "right"
    assert any("order of wrong is not surely more faithful" in note for note in found["notes"])
    [sums] = found["additivity"]
    assert sums["method"] == "right"
    assert sums["error"] == pytest.approx(0, abs=1e-9)


def test_wrong_sums_are_told(linear):
    noisy = right(linear, noise=1.0)
    found = describe(linear, {"shapley": noisy, "lime": noisy}, QualityConfig(), ALWAYS)
    assert all(each["error"] > 0.1 for each in found["additivity"])
    told = [note for note in found["notes"] if "do not sum up" in note]
    # Of LIME nobody says that they would.
    assert len(told) == 1
    assert "shapley" in told[0]


def test_methods_that_disagree_are_warned_of(linear):
    backwards = {"x0": 0.5, "x1": 1.0, "x2": 2.0, "x3": 4.0}
    explanations = {"right": right(linear), "wrong": only(backwards), "same": right(linear)}
    found = describe(linear, explanations, QualityConfig(top=2), ALWAYS)
    by_pair = {tuple(each["methods"]): each for each in found["importance"]}
    assert by_pair["right", "same"]["correlation"] == pytest.approx(1)
    assert by_pair["right", "same"]["overlap"] == 1
    assert by_pair["right", "same"]["apart"] is None
    assert by_pair["right", "wrong"]["correlation"] == pytest.approx(-1)
    assert by_pair["right", "wrong"]["overlap"] == 0
    assert by_pair["right", "wrong"]["apart"] == {"feature": "x0", "ranks": [1, 4]}
    [rows] = found["local"]
    same = {"correlation": pytest.approx(1), "shared": pytest.approx(1)}
    assert rows == {"methods": ["right", "same"], "rows": 40, **same}
    # Of 8/15, 4/15, 2/15 and 1/15.
    assert by_pair["right", "wrong"]["shared"] == pytest.approx(6 / 15)
    warned = [note for note in found["notes"] if "disagree" in note]
    assert len(warned) == 2
    assert "most on x0, number 1 of one and 4 of the other" in warned[0]
    assert card.lines(found)[0].startswith("methods of explanation share 40% or more")


def test_correlations_are_those_of_scipy():
    from scipy.stats import spearmanr

    first, second = np.random.default_rng(0).integers(0, 5, (2, 12)).astype(float)
    expected = spearmanr(first, second).statistic
    assert agreement.correlation(first, second) == pytest.approx(expected)
    assert agreement.correlation(first[:2], second[:2]) is None
    assert agreement.correlation(first, np.ones(12)) is None


def test_only_pairs_that_share_little_are_warned_of():
    pairs = [
        {"methods": ["a", "b"], "correlation": correlation, "shared": shared}
        for correlation, shared in ((None, 0.1), (0.9, 0.1), (0.1, 0.9), (0.1, 0.2), (0.0, 0.1))
    ]
    found = agreement.warnings(pairs, 0.5, "this", most=1)
    assert found[0].startswith("A and b disagree on this: they share 10% of what counts")
    assert found[1].startswith("So do 1 more")
    # One feature counts, and the ranks of all others are noise.
    noise = 1e-3 * np.random.default_rng(0).uniform(size=(2, 20))
    noise[:, 0] = 1.0
    assert abs(agreement.correlation(*noise)) < 0.5 < agreement.shared(*noise)
    assert agreement.shared(np.zeros(3), np.ones(3)) is None
    assert agreement.shared(np.array([1.0, 1.0]), np.array([1.0, -1.0])) == 0.5


def test_intervals_are_of_the_mean_difference():
    gains = np.random.default_rng(0).normal(size=50)
    low, high = interval(gains + 1, gains)
    assert low == pytest.approx(1)
    assert high == pytest.approx(1)
    low, high = interval(gains, np.zeros(50))
    assert (low + high) / 2 == pytest.approx(gains.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * gains.std(ddof=1) / np.sqrt(50))
    assert interval(gains[:1], gains[:1]) is None


def test_changes_of_linear_attributions_are_those_of_the_rows(linear):
    # The background does not vary: there is nothing to change numbers by.
    assert changed(linear, 0.1, 0).subject.columns["x0"].tolist() == (
        linear.subject.columns["x0"].tolist()
    )
    usual = {name: np.array([-3.0, 3.0]) for name in linear.subject.columns}
    spread = replace(linear, background=replace(linear.background, columns=usual))
    moved = changed(spread, 0.1, 0)
    step = problems.matrix(moved.subject.columns) - problems.matrix(spread.subject.columns)
    assert 0.25 < np.abs(step).max() <= 0.3
    expected = np.linalg.norm(WEIGHTS * step, axis=1) / np.linalg.norm(WEIGHTS)
    found = sensitivities(spread, lambda problem: right(problem), 0.1, 1, lambda: False)
    np.testing.assert_allclose(found, expected)
    more = sensitivities(spread, lambda problem: right(problem), 0.1, 5, lambda: False)
    assert (more >= found - 1e-12).all()
    np.testing.assert_allclose(moved.subject.scores, moved.subject.predict(moved.subject.columns))
    # A change belongs to its row, whatever the order.
    order = np.random.default_rng(0).permutation(40)
    again = changed(networks.permuted(spread, order), 0.1, 0)
    np.testing.assert_array_equal(
        problems.matrix(again.subject.columns), problems.matrix(moved.subject.columns)[order]
    )


def test_stability_is_that_of_the_methods_that_explain_anew(linear):
    usual = {name: np.array([-1.0, 1.0]) for name in linear.subject.columns}
    problem = replace(linear, background=replace(linear.background, columns=usual))

    def steady(problem, deadline):
        return right(problem)

    def shaky(problem, deadline):
        seed = int(1e6 * abs(problem.subject.columns["x0"][0])) % 1000
        explanation = right(problem)
        noise = np.random.default_rng(seed).normal(size=explanation.attributions.values.shape)
        rows = explanation.attributions.rows
        return replace(
            explanation, attributions=Attributions(rows, explanation.attributions.values + noise)
        )

    def nothing(problem, deadline):
        return only({"x0": 1.0})

    methods = {"shaky": shaky, "steady": steady, "nothing": nothing}
    found = describe(problem, {"right": right(problem)}, QualityConfig(), ALWAYS, methods)
    told = found["stability"]["methods"]
    assert [each["method"] for each in told] == ["steady", "shaky"]
    assert told[0]["largest"] < 0.1 < told[1]["median"]
    assert told[0]["rows"] == 20
    assert (
        describe(problem, {"right": right(problem)}, QualityConfig(), ALWAYS)["stability"] is None
    )


@pytest.fixture(scope="module")
def images():
    pixels, labels, _ = networks.patches(8, seed=5)
    return networks.image_problem(networks.patch_model(), pixels, labels)


def test_maps_of_images_are_held_together(images):
    rough = IntegratedGradientsConfig(images=6, tolerance=0.2)
    explanations = {
        "grad_cam": GRAD_CAM.explain(images, GradCamConfig(images=8), ALWAYS),
        "gradients": GRADIENTS.explain(images, rough, ALWAYS),
    }
    found = describe(images, explanations, QualityConfig(rows=8), ALWAYS)
    assert found["faithfulness"]["rows"] == 6
    methods = {each["method"]: each for each in found["faithfulness"]["methods"]}
    assert set(methods) == {"grad_cam", "gradients", "chance"}
    assert methods["gradients"]["gain"] > methods["chance"]["gain"]
    [pair] = found["local"]
    assert pair["rows"] == 6
    assert -1 <= pair["correlation"] <= 1
    json.dumps(found, allow_nan=False)
    page = Document(card.section(found))
    check_tables(page)
    moved = changed(images, 0.05, 0)
    step = moved.subject.images - images.subject.images.astype(float)
    assert 10 < np.abs(step).max() <= 0.05 * 255
    ask = Images(images, np.array([1]))
    ends = ask(np.array([[[True] * 256, [False] * 256]]))
    expected = images.values_of_images(images.subject.images[1:2].astype(np.float32))
    assert ends[0, 0] == pytest.approx(expected[0, 0], rel=1e-5)


def test_integrated_gradients_explain_anew():
    columns = networks.table_columns(20, 1, ("colour", "other"))
    problem = networks.table_problem(networks.bent_model(scale=1.0), columns, columns)
    config = IntegratedGradientsConfig(baselines=2)

    def again(problem, deadline):
        return GRADIENTS.explain(problem, config, deadline)

    explanations = {"integrated_gradients": GRADIENTS.explain(problem, config, ALWAYS)}
    found = describe(
        problem,
        explanations,
        QualityConfig(rows=5, repeats=1, stability_rows=5),
        ALWAYS,
        {"integrated_gradients": again},
    )
    [stable] = found["stability"]["methods"]
    assert 0 < stable["median"] < 0.5
    assert found["additivity"][0]["error"] < 0.02


def test_equal_seeds_and_other_orders_give_equal_findings(linear):
    config = QualityConfig(rows=100)
    found = describe(linear, {"right": right(linear)}, config, ALWAYS)
    assert describe(linear, {"right": right(linear)}, config, ALWAYS) == found
    moved = networks.permuted(linear, np.random.default_rng(1).permutation(40))
    again = describe(moved, {"right": right(moved)}, config, ALWAYS)
    for ours, theirs in zip(
        found["faithfulness"]["methods"], again["faithfulness"]["methods"], strict=True
    ):
        assert theirs["gain"] == pytest.approx(ours["gain"])


def test_little_is_not_too_little(linear):
    one = networks.permuted(linear, np.array([3]))
    found = describe(one, {"right": right(one)}, QualityConfig(), ALWAYS)
    assert found["additivity"] == []
    assert found["faithfulness"]["rows"] == 1
    Document(card.section(found))
    nothing = describe(linear, {}, QualityConfig(), ALWAYS)
    assert nothing["faithfulness"] is None
    assert card.lines(nothing) == []
    Document(card.section(nothing))
    single = problems.problem(lambda rows: rows["x0"], problems.numbers(20, 1))
    explanation = only({"x0": 1.0})
    found = describe(single, {"a": explanation, "b": explanation}, QualityConfig(), ALWAYS)
    assert found["importance"][0]["correlation"] is None


def test_no_time_is_told(linear):
    explanations = {"right": right(linear)}
    methods = {"right": lambda problem, deadline: right(problem)}
    found = describe(linear, explanations, QualityConfig(), Deadline(0.0), methods)
    assert found["faithfulness"] is None
    assert "No time was left for faithfulness." in found["notes"]
    assert "No time was left for the stability of right." in found["notes"]


def test_the_card(linear):
    explanations = {"right": right(linear), EVIL: right(linear, 0.1), "c": only({"x0": 1.0})}
    methods = {EVIL: lambda problem, deadline: right(problem)}
    found = describe(linear, explanations, QualityConfig(), ALWAYS, methods)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    page = Document(card.section(found))
    check_tables(page)
    assert not page.named("script")
    assert card.lines(found)[0].startswith("methods of explanation share ")
    assert card.lines(found)[1].startswith("most faithful: right (gain ")
