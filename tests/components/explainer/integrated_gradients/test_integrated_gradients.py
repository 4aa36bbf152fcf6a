"""Tests of integrated gradients: the linear case, completeness, what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tf_keras

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import maps
from components.explainer.integrated_gradients import card, path
from components.explainer.integrated_gradients.config import IntegratedGradientsConfig
from components.explainer.integrated_gradients.explanation import METHOD
from components.models import ensemble
from components.models.hyperparameters import TreesHyperParameters
from components.models.trees import fit
from tests.components.explainer import networks, problems
from tests.components.pages import EVIL, Document, check_tables

#: Few baselines and a generous tolerance, so that the tests are quick.
CONFIG = IntegratedGradientsConfig(baselines=3, tolerance=0.05)
ALWAYS = Deadline(math.inf)
TEXTS = ("colour", "other")


@pytest.fixture(scope="module")
def table():
    columns = networks.table_columns(40, 1, TEXTS)
    background = networks.table_columns(60, 2, TEXTS)
    return networks.table_problem(networks.bent_model(), columns, background)


def test_the_parts_of_a_linear_model_are_its_weights_times_the_distance():
    model = networks.bent_model("linear")
    columns = networks.table_columns(30, 3, TEXTS)
    background = networks.table_columns(50, 4, TEXTS)
    problem = networks.table_problem(model, columns, background)
    config = IntegratedGradientsConfig(baseline="mean")
    found = METHOD.explain(problem, config, ALWAYS)

    weights = model.get_layer("linear_numeric").get_weights()[0][:, 0]
    looked_up = model.get_layer("linear_categorical").get_weights()[0][:, 0]
    rows, usual = problem.subject.arrays, problem.background.arrays
    parts = weights * (rows["numeric"] - usual["numeric"].mean(axis=0))
    offsets = np.array([0, len(networks.COLOURS)])
    vectors = looked_up[rows["categorical"] + offsets]
    parts_of_texts = vectors - looked_up[usual["categorical"] + offsets].mean(axis=0)
    # The column x comes as a number and as its rank.
    expected = np.stack([parts[:, 0] + parts[:, 2], parts[:, 1], *parts_of_texts.T], axis=1)
    assert np.abs(parts_of_texts).max() > 0.1
    np.testing.assert_allclose(found.attributions.values[:, :, 0], expected, atol=2e-5)
    # And over several rows as baselines: of a linear model that is the same.
    config = IntegratedGradientsConfig(baseline="rows", baselines=1000)
    again = METHOD.explain(problem, config, ALWAYS)
    np.testing.assert_allclose(again.attributions.values[:, :, 0], expected, atol=2e-5)


@pytest.mark.parametrize("link", ["log_odds", "probability"])
@pytest.mark.parametrize("baseline", ["rows", "mean"])
def test_the_parts_sum_up_to_the_change(table, link, baseline):
    problem = networks.table_problem(
        table.subject.model, table.subject.columns, table.background.columns, link=link
    )
    config = IntegratedGradientsConfig(baseline=baseline, baselines=5)
    found = METHOD.explain(problem, config, ALWAYS)
    complete = found.found["completeness"]
    assert complete["missed"] == 0
    assert complete["largest"] <= 0.01
    assert complete["steps"][1] > complete["steps"][0]  # It took more steps for some rows.
    total = found.attributions.values.sum(axis=1)
    value = problem.values(problem.subject.columns)
    if baseline == "rows":
        start = problem.values(problem.background.sample(5).columns).mean(axis=0)
        change = value - start
        usual = problem.values(problem.background.columns).std()
        assert np.abs(total - change).max() <= 0.01 * max(np.abs(change).max(), 0.1 * usual) + 1e-6
    else:  # The mean is no row, but the sum differs from the value by the same for all rows.
        assert np.ptp(total - value) <= 0.02 * np.ptp(value)


def test_steps_that_do_not_fit_into_memory_are_taken_in_parts(table, monkeypatch):
    whole = METHOD.explain(table, CONFIG, ALWAYS).attributions.values
    monkeypatch.setattr(path, "BATCH_VALUES", 1000)
    parts = METHOD.explain(table, CONFIG, ALWAYS).attributions.values
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_too_few_steps_are_told(table):
    config = IntegratedGradientsConfig(steps=2, most_steps=2, tolerance=1e-6)
    found = METHOD.explain(table, config, ALWAYS).found
    assert found["completeness"]["missed"] > 0
    assert found["completeness"]["steps"] == [2, 2]
    assert any("most_steps" in note for note in found["notes"])


@pytest.mark.parametrize("architecture", ["mlp", "cross", "residual"])
def test_every_output_of_several_classes_is_explained(architecture):
    model = networks.bent_model(architecture, outputs=3, scale=1.0)
    columns = networks.table_columns(10, 5, TEXTS)
    problem = networks.table_problem(
        model, columns, networks.table_columns(20, 6, TEXTS), task="multiclass", link="probability"
    )
    found = METHOD.explain(problem, IntegratedGradientsConfig(baselines=3), ALWAYS)
    assert found.attributions.values.shape == (10, 4, 3)
    assert found.found["completeness"]["largest"] <= 0.01
    # Probabilities sum up to 1, and so do their changes to 0.
    np.testing.assert_allclose(found.attributions.values.sum(axis=2), 0, atol=1e-5)


def test_the_members_of_an_ensemble_are_looked_into():
    model = ensemble.combine(
        [networks.bent_model(seed=1), networks.bent_model("mlp", seed=2)], [0.5, 0.5]
    )
    problem = networks.table_problem(
        model, networks.table_columns(10, 7, TEXTS), networks.table_columns(20, 8, TEXTS)
    )
    assert METHOD.refuse(problem, CONFIG) is None
    found = METHOD.explain(problem, CONFIG, ALWAYS)
    assert found.found["completeness"]["largest"] <= 0.05
    assert min(found.found["importance"].values()) > 0


def test_equal_seeds_and_other_orders_give_equal_parts(table):
    found = METHOD.explain(table, CONFIG, ALWAYS)
    again = METHOD.explain(table, CONFIG, ALWAYS)
    assert found.found == again.found
    order = np.random.default_rng(9).permutation(40)
    moved = METHOD.explain(networks.permuted(table, order), CONFIG, ALWAYS)
    np.testing.assert_allclose(
        moved.attributions.values, found.attributions.values[order], atol=1e-5
    )
    for name, value in found.found["importance"].items():
        assert moved.found["importance"][name] == pytest.approx(value, rel=1e-5)


def test_groups_are_one_feature(table):
    groups = {"numbers": ("x", "y"), "texts": TEXTS}
    problem = networks.table_problem(
        table.subject.model, table.subject.columns, table.background.columns, groups=groups
    )
    alone = METHOD.explain(table, CONFIG, ALWAYS).attributions.values
    found = METHOD.explain(problem, CONFIG, ALWAYS).attributions.values
    np.testing.assert_allclose(found[:, 0], alone[:, :2].sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(found[:, 1], alone[:, 2:].sum(axis=1), atol=1e-9)


def test_a_table_of_text_alone_a_constant_column_and_an_unseen_category():
    model = networks.bent_model("mlp", numbers=0)
    rows = np.array(["red", "green", "blue", "never seen", ""], object)
    columns = {"colour": rows, "other": np.array(["red"] * 5, object)}
    usual = np.array(["red", "green", "red", "green"], object)
    problem = networks.table_problem(
        model, columns, {"colour": usual, "other": np.array(["red"] * 4, object)}
    )
    assert METHOD.refuse(problem, CONFIG) is None
    found = METHOD.explain(problem, CONFIG, ALWAYS)
    assert np.abs(found.attributions.values[:, 0]).max() > 0.1
    np.testing.assert_array_equal(found.attributions.values[:, 1], 0)
    one = METHOD.explain(networks.permuted(problem, np.array([3])), CONFIG, ALWAYS)
    np.testing.assert_allclose(one.attributions.values[0], found.attributions.values[3], atol=1e-5)


def test_one_feature_gets_the_whole_change_of_one_row():
    model = networks.bent_model("mlp", numbers=2, texts=0)
    problem = networks.table_problem(
        model, {"x": np.array([0.7])}, {"x": np.linspace(-1, 1, 20)}, task="regression"
    )
    config = IntegratedGradientsConfig(baseline="mean", tolerance=1e-3)
    found = METHOD.explain(problem, config, ALWAYS)
    ends = model(networks.table_arrays(problem.subject.columns)).numpy()
    mean = networks.table_arrays(problem.background.columns)["numeric"].mean(axis=0)
    change = ends - model({"numeric": mean[None]}).numpy()
    assert found.attributions.values.shape == (1, 1, 1)
    assert found.attributions.values[0, 0, 0] == pytest.approx(change[0, 0], rel=2e-3)
    [row] = found.tables["integrated_gradients"].to_pylist()
    assert row == {"row": 0, "output": "label", "value:x": found.attributions.values[0, 0, 0]}


def test_what_has_no_gradient_is_refused(table):
    plain = problems.problem(lambda columns: columns["x0"], problems.numbers(10, 2))
    assert "Keras" in METHOD.refuse(plain, CONFIG)

    arrays = {**table.subject.arrays, "label": table.subject.labels}
    hp = TreesHyperParameters(architecture="boosted_trees", trees=2)
    trees, _ = fit(hp, table.subject.features, arrays, arrays, label="label", seed=0)
    problem = networks.table_problem(trees, table.subject.columns, table.background.columns)
    assert "trees" in METHOD.refuse(problem, CONFIG)
    half = ensemble.combine([trees, networks.bent_model()], [0.5, 0.5])
    problem = networks.table_problem(half, table.subject.columns, table.background.columns)
    assert "trees" in METHOD.refuse(problem, CONFIG)


def test_categories_that_are_not_embedded_are_refused(table):
    ids = tf_keras.Input((2,), dtype="int64", name="categorical")
    numbers = tf_keras.Input((3,), name="numeric")
    one_hot = tf_keras.layers.CategoryEncoding(len(networks.COLOURS), "multi_hot")(ids)
    both = tf_keras.layers.Concatenate()([numbers, one_hot])
    inputs = {"numeric": numbers, "categorical": ids}
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(1)(both))
    problem = networks.table_problem(model, table.subject.columns, table.background.columns)
    assert "otherwise than by embeddings" in METHOD.refuse(problem, CONFIG)


def test_features_that_no_column_is_known_of_are_refused(table):
    from dataclasses import replace

    features = table.subject.features.model_copy(update={"numeric": ("pca:0", "y", "x:cdf")})
    problem = replace(table, subject=replace(table.subject, features=features))
    assert "pca:0" in METHOD.refuse(problem, CONFIG)


def test_a_black_row_and_no_numbers_are_errors(table):
    with pytest.raises(InputError, match="no black baseline"):
        METHOD.explain(table, IntegratedGradientsConfig(baseline="black"), ALWAYS)
    model = networks.not_finite(table.subject.model)
    problem = networks.table_problem(model, table.subject.columns, table.background.columns)
    with pytest.raises(InputError, match="no number"):
        METHOD.explain(problem, CONFIG, ALWAYS)


def test_no_time_leaves_rows_out_and_says_so(table):
    found = METHOD.explain(table, CONFIG, Deadline(0.0))
    assert found.found["rows"] == 0
    assert "The time was over after 0 of 40 rows" in found.found["notes"][0]
    assert found.attributions is None
    Document(card.section(found.found))


def test_the_card_of_a_table(table):
    found = METHOD.explain(table, CONFIG, ALWAYS).found
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    renamed = json.loads(json.dumps(found).replace('"colour"', json.dumps(EVIL)))
    page = Document(card.section(renamed))
    check_tables(page)
    assert not page.named("script")
    first = max(found["importance"], key=found["importance"].get)
    assert first in card.lines(found)[0]


def test_images_get_weights_times_pixels_from_black():
    random = np.random.default_rng(0)
    weights = random.normal(size=(6, 6, 3)) / 255
    pixels = random.integers(0, 256, (5, 6, 6, 3)).astype(np.uint8)
    weights -= weights.mean()
    problem = networks.image_problem(networks.linear_model(weights, 0.0), pixels)
    found = METHOD.explain(problem, IntegratedGradientsConfig(images=5), ALWAYS)
    places, values = maps.read(found.tables["integrated_gradients_maps"])
    sign = np.where(problem.subject.scores[places].argmax(axis=1) == 1, 1, -1)
    assert set(sign) == {-1, 1}
    expected = (weights * pixels[places]).sum(axis=-1) * sign[:, None, None]
    np.testing.assert_allclose(values, expected, atol=1e-5)
    assert found.found["completeness"]["largest"] < 1e-3
    assert found.attributions is None
    page = Document(card.section(found.found))
    assert len(page.named("img")) == 10
    # Which images, and their maps, do not depend on the order of the rows.
    order = np.array([4, 2, 0, 1, 3])
    few = IntegratedGradientsConfig(images=2)
    first = METHOD.explain(problem, few, ALWAYS).found["images"]
    moved = METHOD.explain(networks.permuted(problem, order), few, ALWAYS).found["images"]
    assert sorted(each["row"] for each in first) == sorted(each["row"] for each in moved)
