"""Tests of TCAV: a planted concept, the rate at which random ones are found, and errors."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import tf_keras

from components.deadline import Deadline
from components.errors import InputError
from components.example_gen.pixels import encode
from components.explainer.network import Network
from components.explainer.tcav import card
from components.explainer.tcav.activations import activations, hidden, slopes
from components.explainer.tcav.concepts import pictures_of, rows_of
from components.explainer.tcav.config import TcavConfig
from components.explainer.tcav.explanation import METHOD
from components.explainer.tcav.significance import holm, p_value
from components.explainer.tcav.vectors import accuracy, sensitivity, vector
from components.models import architectures, ensemble
from components.models.hyperparameters import HyperParameters
from tests.components.explainer import networks, problems
from tests.components.pages import EVIL, Document, check_tables

ALWAYS = Deadline(math.inf)
RED, LOW = {"red": {"colour": "red"}}, {"low": {"y": (-9.0, -0.5)}}
#: Random concepts are few, so that the tests are quick.
CONFIG = TcavConfig(slices={**RED, **LOW}, random_concepts=39, runs=1)


def build(texts=1, outputs=1, architecture="mlp"):
    hp = HyperParameters(architecture=architecture, hidden_units=(16, 12))
    return architectures.build(
        hp,
        numeric=["x", "y", "x:cdf"],
        vocabulary_sizes=[len(networks.COLOURS)] * texts,
        outputs=outputs,
    )


@pytest.fixture(scope="module")
def table():
    """Return a problem of a network that has learnt that red is what counts, and y is not."""
    tf_keras.utils.set_random_seed(0)
    model = build()
    columns = networks.table_columns(600, 1)
    labels = (columns["x"] + 3 * (columns["colour"] == "red") > 1.5).astype(float)
    model.compile(
        tf_keras.optimizers.Adam(0.02), tf_keras.losses.BinaryCrossentropy(from_logits=True)
    )
    model.fit(networks.table_arrays(columns), labels, batch_size=60, epochs=15, verbose=0)
    rows, usual = networks.table_columns(100, 2), networks.table_columns(400, 3)
    return networks.table_problem(model, rows, usual)


def test_a_planted_concept_is_found_and_another_is_not(table):
    concepts = METHOD.explain(table, CONFIG, ALWAYS).found["concepts"]
    red, low = concepts
    assert (red["concept"], low["concept"]) == ("red", "low")
    assert red["found"]
    assert red["adjusted"] == 0.05  # Two tests, and none of 39 random concepts is as far.
    assert red["sensitivity"] > red["random_sensitivity"][1]
    assert red["score"] > 0.95
    assert red["accuracy"] > 0.8 > low["accuracy"]
    assert not low["found"]


@pytest.mark.parametrize(("direction", "tests"), [("pattern", 1000), ("normal", 150)])
def test_random_concepts_are_found_at_the_nominal_rate(direction, tests):
    """Over many small models and concepts that are random rows."""
    alpha = 0.1
    found = []
    for seed in range(tests):
        random = np.random.default_rng(seed)
        mixed = random.normal(size=(6, 6)) * np.array([3.0, 2, 1, 0.5, 0.2, 0.1])
        pool = random.exponential(size=(60, 6)) @ mixed
        gradients = random.normal(size=(20, 6)) * 0.3 + mixed[0]
        means = []
        for _ in range(20):
            rows = random.permutation(len(pool))
            towards = vector(pool[rows[:15]], pool[rows[15:30]], direction)
            means.append(sensitivity(towards[None], gradients)[1])
        found.append(p_value(means[0], means[1:]) <= alpha)
    # Three standard deviations of a count at the nominal rate.
    assert abs(np.mean(found) - alpha) <= 3 * np.sqrt(alpha * (1 - alpha) / tests)


def test_random_slices_are_found_at_most_at_the_nominal_rate(table):
    """Through the whole method: columns of the background that the model does not look at."""
    alpha, found = 0.2, []
    for seed in range(8):
        background = dict(table.background.columns)
        flags = np.random.default_rng(seed).integers(0, 5, (5, len(table.background)))
        # The predict function and the arrays leave them out.
        background |= {f"flag_{place}": each.astype(float) for place, each in enumerate(flags)}
        problem = replace(
            table, background=replace(table.background, columns=background), seed=seed
        )
        slices = {f"flag {place}": {f"flag_{place}": 1.0} for place in range(5)}
        config = TcavConfig(slices=slices, random_concepts=19, runs=1, rows=30, examples=30)
        explained = METHOD.explain(problem, config, ALWAYS).found
        found += [each["p"] <= alpha for each in explained["concepts"]]
        assert any("hardly tells examples" in note for note in explained["notes"])
    assert len(found) == 40
    assert np.mean(found) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 40)


def test_a_pattern_points_to_the_examples_and_a_normal_away_from_noise():
    random = np.random.default_rng(0)
    # What is common to both coordinates is noise, and the examples differ in the first.
    noise = random.normal(size=(2, 2000, 1))
    examples, others = noise + 0.1 * random.normal(size=(2, 2000, 2))
    examples[:, 0] += 2
    pattern = vector(examples, others, "pattern")
    np.testing.assert_allclose(pattern, [2, 0], atol=0.15)
    normal = vector(examples, others, "normal")
    np.testing.assert_allclose(normal, np.array([1, -1]) / np.sqrt(2), atol=0.05)
    assert accuracy(examples, others, 0) > 0.99
    assert accuracy(others[:1000], others[1000:], 0) == pytest.approx(0.5, abs=0.05)
    score, mean = sensitivity(pattern[None], np.array([[3.0, 0], [1, 0], [-1, 0]]))
    assert score == pytest.approx(2 / 3)
    assert mean == pytest.approx(pattern[0])
    np.testing.assert_array_equal(vector(np.zeros((9, 2)), np.zeros((9, 2)), "normal"), 0)


def test_a_normal_is_that_of_the_classifier():
    from sklearn.linear_model import RidgeClassifier

    examples, others = np.random.default_rng(0).normal(size=(2, 30, 5))
    examples[:, 2] += 1
    rows = np.concatenate([examples, others])
    size = np.sqrt(((rows - rows.mean(axis=0)) ** 2).mean())
    expected = RidgeClassifier(alpha=1.0).fit(rows / size, [1] * 30 + [0] * 30).coef_[0]
    found = vector(examples, others, "normal")
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-9)


def test_p_values_are_adjusted_as_by_statsmodels():
    from statsmodels.stats.multitest import multipletests

    values = np.random.default_rng(0).uniform(size=12) ** 3
    np.testing.assert_allclose(holm(list(values)), multipletests(values, method="holm")[1])
    assert holm([]) == []
    assert p_value(0.0, []) == 1.0
    assert p_value(1.0, [1.0] * 19) == 1.0


def test_activations_and_gradients_are_those_of_the_layer(table):
    model, network = table.subject.model, Network(table)
    layer = hidden(model)
    assert layer.name == "hidden_1"
    points = network.points(table.subject)
    expected = tf_keras.Model(model.inputs, layer.output)(table.subject.arrays).numpy()
    np.testing.assert_allclose(activations(network, layer, points), expected, atol=1e-5)
    # After it the logit is linear.
    weights = model.get_layer("deep").get_weights()[0][:, 0]
    found = slopes(network, layer, points, 0)
    np.testing.assert_allclose(found, np.broadcast_to(weights, found.shape), atol=1e-6)


def test_equal_seeds_and_other_orders_give_equal_results(table):
    found = METHOD.explain(table, CONFIG, ALWAYS).found
    assert METHOD.explain(table, CONFIG, ALWAYS).found == found
    order = np.random.default_rng(0).permutation(100)
    moved = METHOD.explain(networks.permuted(table, order), CONFIG, ALWAYS).found
    for ours, theirs in zip(found["concepts"], moved["concepts"], strict=True):
        assert theirs["sensitivity"] == pytest.approx(ours["sensitivity"], rel=1e-6)
        assert theirs["p"] == ours["p"]


def test_each_class_and_a_layer_of_the_settings(table):
    tf_keras.utils.set_random_seed(1)
    problem = networks.table_problem(
        build(outputs=3),
        networks.table_columns(30, 4),
        networks.table_columns(100, 5),
        task="multiclass",
    )
    labels = np.arange(30) % 2  # No row is labelled c.
    problem = replace(problem, subject=replace(problem.subject, labels=labels))
    config = TcavConfig(slices=RED, random_concepts=19, runs=1, layer="hidden_0")
    found = METHOD.explain(problem, config, ALWAYS).found
    assert (found["layer"], found["width"]) == ("hidden_0", 16)
    assert {each["output"] for each in found["concepts"]} == {"a", "b"}
    assert any("labelled c" in note for note in found["notes"])


def test_what_cannot_be_had_is_refused(table):
    assert "No concepts are named: set slices" in METHOD.refuse(table, TcavConfig())
    plain = problems.problem(lambda columns: columns["x0"], problems.numbers(10, 2))
    assert "Keras" in METHOD.refuse(plain, TcavConfig(slices={"a": {"x0": 1.0}}))
    assert METHOD.refuse(table, CONFIG) is None
    for model, reason in (
        (build(architecture="linear"), "no hidden layer"),
        (ensemble.combine([build(), build()], [0.5, 0.5]), "made of several"),
    ):
        problem = networks.table_problem(model, table.subject.columns, table.background.columns)
        assert reason in METHOD.refuse(problem, CONFIG)


def test_too_few_examples_random_concepts_and_time_are_told(table):
    slices = {**RED, "none": {"colour": "violet"}, "both": {"colour": "red", "x": (0.0, 0.01)}}
    found = METHOD.explain(table, CONFIG.model_copy(update={"slices": slices}), ALWAYS).found
    assert {each["concept"] for each in found["concepts"]} == {"red"}
    assert any("none has 0 examples" in note for note in found["notes"])
    few = TcavConfig(slices={**RED, **LOW}, random_concepts=19, runs=1)
    notes = METHOD.explain(table, few, ALWAYS).found["notes"]
    assert any("random_concepts higher" in note for note in notes)
    late = METHOD.explain(table, CONFIG, Deadline(0.0)).found
    assert late["concepts"] == []
    assert any("No time was left for the concepts red, low" in note for note in late["notes"])


def test_as_many_random_concepts_are_drawn_as_the_tests_need(table):
    # Of a p value of at most 0.01 / 2, and half of it.
    found = METHOD.explain(table, TcavConfig(slices={**RED, **LOW}, alpha=0.01), ALWAYS).found
    assert found["random_concepts"] == 400
    assert found["notes"] == []
    assert METHOD.explain(table, TcavConfig(slices=RED), ALWAYS).found["random_concepts"] == 200


def test_a_model_without_numbers_is_an_error(table):
    model = networks.not_finite(table.subject.model)
    problem = networks.table_problem(model, table.subject.columns, table.background.columns)
    labels = np.ones(len(problem.subject), int)
    problem = replace(problem, subject=replace(problem.subject, labels=labels))
    with pytest.raises(InputError, match="no number"):
        METHOD.explain(problem, CONFIG.model_copy(update={"layer": "hidden_1"}), ALWAYS)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"color": "red"}, "no raw column 'color'; nearest: colour"),
        ({"colour": 1.0}, "'colour' holds text"),
        ({"x": "1"}, "'x' holds numbers"),
        ({}, "no condition"),
    ],
)
def test_wrong_conditions_are_errors(conditions, message):
    with pytest.raises(InputError, match=message) as raised:
        rows_of(networks.table_columns(10), conditions, "explainer.tcav.slices.a")
    assert raised.value.details["setting"].startswith("explainer.tcav.slices.a")


def test_rows_meet_all_conditions():
    columns = {
        "colour": np.array(["red", "", "red", "blue"], object),
        "x": np.array([1.0, 2.0, np.nan, 1.0]),
    }
    assert rows_of(columns, {"colour": "red"}, "a").tolist() == [0, 2]
    assert rows_of(columns, {"colour": ""}, "a").tolist() == [1]
    assert rows_of(columns, {"x": 1.0}, "a").tolist() == [0, 3]
    assert rows_of(columns, {"x": (1.5, 3.0)}, "a").tolist() == [1]
    assert rows_of(columns, {"x": (0.0, 3.0), "colour": "red"}, "a").tolist() == [0]


def test_wrong_layers_are_errors(table):
    with pytest.raises(InputError, match="no layer 'hiden_1'; nearest: hidden_1"):
        METHOD.explain(table, CONFIG.model_copy(update={"layer": "hiden_1"}), ALWAYS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    directory = tmp_path_factory.mktemp("concepts")
    images, labels, _ = networks.patches(60, seed=11)
    noise = np.random.default_rng(0).integers(0, 60, (30, 20, 20, 3)).astype(np.uint8)
    for name, pixels in (("patch", images[labels == 1]), ("noise", noise)):
        (directory / name).mkdir()
        for place, each in enumerate(pixels):
            (directory / name / f"{place}.png").write_bytes(encode(each))
    return directory


def test_a_concept_of_pictures_is_found(folders):
    images, labels, _ = networks.patches(80, seed=5)
    background = networks.patches(120, seed=6)[0]
    problem = networks.image_problem(networks.patch_model(), images, labels, background)
    paths = {name: str(folders / name) for name in ("patch", "noise")}
    config = TcavConfig(folders=paths, random_concepts=39, runs=1)
    assert METHOD.refuse(problem, config) is None
    assert "set folders" in METHOD.refuse(problem, TcavConfig(slices=RED))
    found = METHOD.explain(problem, config, ALWAYS).found["concepts"]
    by_name = {each["concept"]: each for each in found}
    assert by_name["patch"]["found"]
    assert by_name["patch"]["sensitivity"] > 0 > by_name["noise"]["sensitivity"]


def test_pictures_are_brought_to_the_shape(folders, tmp_path):
    found = pictures_of(str(folders / "noise"), (16, 16, 1), 5, 0, "a")
    assert found.shape == (5, 16, 16, 1)
    assert 20 < found.mean() < 40
    with pytest.raises(InputError, match="no such directory"):
        pictures_of(str(tmp_path / "none"), (16, 16, 1), 5, 0, "a")
    with pytest.raises(InputError, match="holds no pictures"):
        pictures_of(str(tmp_path), (16, 16, 1), 5, 0, "a")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be read"):
        pictures_of(str(tmp_path), (16, 16, 1), 5, 0, "a")


def test_the_card(table):
    found = METHOD.explain(table, CONFIG, ALWAYS).found
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    page = Document(card.section(json.loads(json.dumps(found).replace('"red"', json.dumps(EVIL)))))
    check_tables(page)
    assert not page.named("script")
    assert card.lines(found) == ["concepts: red raises yes (p = 0.05)"]
    nothing = METHOD.explain(table, CONFIG, Deadline(0.0)).found
    assert card.lines(nothing) == []
    Document(card.section(nothing))
