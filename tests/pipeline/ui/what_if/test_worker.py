"""What is answered about models of known answers, by themselves and in their process."""

import dataclasses
import itertools

import numpy as np
import pytest

from components import fairness
from components.errors import InputError
from pipeline.ui.what_if.models import Models
from pipeline.ui.what_if.worker import questions
from pipeline.ui.what_if.worker.session import Session
from tests.pipeline.ui.what_if import made_models
from tests.pipeline.ui.what_if.made_models import COLUMNS, ROWS, value

HERE = {"x": 0.25, "age": 40.0, "group": "a"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_models.make(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def session(made):
    return Session(made[0])


@pytest.fixture(scope="module")
def regression(made):
    return Session(made[1])


@pytest.fixture(scope="module")
def data():
    """The evaluation split as it was written: None where a value is missing."""
    return made_models.table(ROWS, 1)


def probability(x, group, steepness=1.0):
    x = np.array([np.nan if each is None else each for each in np.atleast_1d(x)], float)
    group = np.array(np.atleast_1d(group), object)
    return 1 / (1 + np.exp(-steepness * value(x, group)))


def predicted(session, values, *names):
    found = questions.predictions(session, values, None, names)["predictions"]
    return {each["name"]: each for each in found}


def test_a_row_comes_as_it_was_stored(session, data):
    found = questions.example(session, 7, None)
    assert found["row"] == 7
    assert found["label"] == data["label"][7]
    assert found["values"]["age"] == data["age"][7]
    assert found["values"]["group"] == data["group"][7]
    # The shortest decimal that is stored as the same.
    assert np.float32(found["values"]["x"]) == np.float32(data["x"][7])
    assert len(str(found["values"]["x"])) <= 13


def test_a_seed_always_draws_the_same_row(session):
    rows = [questions.example(session, None, seed)["row"] for seed in range(20)]
    assert rows == [questions.example(session, None, seed)["row"] for seed in range(20)]
    assert len(set(rows)) > 10


def test_a_run_without_the_split_is_refused(made, tmp_path):
    with pytest.raises(InputError, match="no split 'eval'"):
        Session(dataclasses.replace(made[0], examples=str(tmp_path)))


def test_a_row_that_the_split_lacks_is_refused(session):
    assert questions.describe(session)["last_row"] == ROWS - 1
    with pytest.raises(InputError, match="no row 120"):
        questions.example(session, ROWS, None)


@pytest.mark.parametrize(
    "changes",
    [{}, {"x": None}, {"group": "b"}, {"group": None}, {"group": "new"}, {"x": 3e38}],
)
def test_candidates_answer_side_by_side(session, changes):
    values = {**HERE, **changes}
    found = predicted(session, values, "trained", "distilled")
    for name, steepness in (("trained", 1.0), ("distilled", 0.5)):
        [expected] = probability(values["x"], values["group"], steepness)
        assert found[name]["scores"] == pytest.approx([1 - expected, expected], abs=1e-6)


def test_a_model_that_fails_does_not_hide_the_others(session):
    found = predicted(session, {**HERE, "age": 3.0}, "trained", "benchmark/adults")
    assert "scores" in found["trained"]
    assert "error" in found["benchmark/adults"]
    assert "scores" in predicted(session, HERE, "benchmark/adults")["benchmark/adults"]


def test_an_unknown_candidate_is_told(session):
    assert "nearest: trained" in predicted(session, HERE, "traned")["traned"]["error"]


def test_rows_are_found_by_their_values_label_and_the_models_errors(session, data):
    says = probability(data["x"], data["group"]) > 0.5
    wrong = {row for row in range(ROWS) if says[row] != (data["label"][row] == "yes")}
    older = {row for row in range(ROWS) if data["age"][row] > 50}
    group = {row for row in range(ROWS) if data["group"][row] == "ü"}
    absent = {row for row in range(ROWS) if data["x"][row] is None}

    def found(column=None, test="equal", sought=None, label=None, who=None):
        answers, offset = [], 0
        while True:
            answer = questions.rows(session, column, test, sought, label, who, offset)
            answers += [each["row"] for each in answer["rows"]]
            offset += answer["page"]
            if offset >= answer["found"]:
                assert len(answers) == answer["found"]
                return set(answers)

    assert wrong
    assert found(who="trained") == wrong
    assert found("age", "above", 50.0) == older
    assert found("age", "above", 50.0, who="trained") == older & wrong
    assert found("group", "contains", "Ü") == group
    assert found("x", "missing") == absent
    assert found(label="yes") == {row for row in range(ROWS) if data["label"][row] == "yes"}


@pytest.mark.parametrize(
    ("column", "test", "sought"),
    [("group", "above", "a"), ("age", "contains", 3.0), ("age", "equal", "old"), ("n", "equal", 1)],
)
def test_a_search_that_makes_no_sense_is_refused(session, column, test, sought):
    with pytest.raises(InputError):
        questions.rows(session, column, test, sought, None, None, 0)


def test_the_curve_is_what_the_model_says_with_other_values(session, data):
    found = questions.curve(session, HERE, ["trained", "distilled"], "x", 1)
    grid = np.array(found["grid"])
    assert (np.diff(grid) > 0).all()
    assert grid[found["place"]] == np.float32(HERE["x"])
    for each, steepness in zip(found["curves"], (1.0, 0.5), strict=True):
        expected = probability(grid, ["a"] * len(grid), steepness)
        assert each["values"] == pytest.approx(expected, abs=1e-6)
    # All rows are few enough to be in the mean.
    assert found["mean_rows"] == ROWS
    means = [probability([at] * ROWS, data["group"]).mean() for at in grid]
    assert found["mean"] == pytest.approx(means, abs=1e-6)


def test_the_curve_of_a_category_has_the_examples_own_even_if_no_row_has_it(session):
    found = questions.curve(session, {**HERE, "group": "new"}, ["trained"], "group", 1)
    assert set(found["grid"]) >= {"a", "b", "ü", "new"}
    assert found["grid"][found["place"]] == "new"
    without = questions.curve(session, {**HERE, "group": None}, ["trained"], "group", 1)
    assert without["place"] is None


def test_shapley_values_are_those_of_all_orders_of_the_features(session):
    found = questions.shapley(session, {**HERE, "group": "b"}, "trained", 1)
    by = {part["feature"]: part["value"] for part in found["parts"]}
    assert found["exact"]
    assert by["age"] == pytest.approx(0, abs=1e-6)
    assert found["base"] + sum(by.values()) == pytest.approx(found["prediction"])
    [expected] = probability(HERE["x"], "b")
    assert found["prediction"] == pytest.approx(expected, abs=1e-6)
    assert by["group"] > 0.2


def test_shapley_values_against_their_definition(session):
    from components.explainer import axes

    found = questions.shapley(session, HERE, "trained", 1)
    usual = session.held()
    usual = axes.taken(usual, axes.sample(usual, questions.BACKGROUND, 0))
    own = session.entered(HERE)

    def wins(coalition):
        mixed = {n: np.repeat(own[n], 50) if n in coalition else usual[n] for n in COLUMNS}
        return session.model("trained")(mixed)[:, 1].astype(float).mean()

    expected = dict.fromkeys(COLUMNS, 0.0)
    for order in itertools.permutations(COLUMNS):
        for place, name in enumerate(order):
            expected[name] += (wins(order[: place + 1]) - wins(order[:place])) / 6
    by = {part["feature"]: part["value"] for part in found["parts"]}
    assert by == pytest.approx(expected, abs=1e-6)


def test_the_nearest_row_is_of_another_class_and_none_such_is_nearer(session):
    found = questions.neighbours(session, HERE, "trained", None)
    own = predicted(session, HERE, "trained")["trained"]["scores"]
    other = [row for row in range(ROWS) if _decision(session, row) != np.argmax(own)]
    assert found["others"] == len(other)
    nearest = found["neighbours"][0]
    assert nearest["row"] in other
    assert nearest["distance"] == pytest.approx(sum(each["part"] for each in nearest["differs"]))
    points = session.points[other]
    distances = session.space.distances(points, session.coordinates(session.entered(HERE)))
    assert nearest["distance"] == pytest.approx(distances.min())


def _decision(session, row):
    values = questions.example(session, row, None)["values"]
    return int(np.argmax(predicted(session, values, "trained")["trained"]["scores"]))


def test_each_way_to_another_answer_is_one(session):
    found = questions.changes(session, HERE, "trained", None)
    assert found["decision"] == "label = no"
    assert found["ways"]
    for way in found["ways"]:
        changed = {**HERE, **way["values"]}
        scores = predicted(session, changed, "trained")["trained"]["scores"]
        assert scores[1] > 0.5
        assert way["decision"] == "label = yes"
        assert "age" not in way["values"]


@pytest.mark.parametrize("delta", [None, 0.5, 4.0])
def test_another_answer_of_a_regression_differs_by_what_is_asked(regression, delta):
    found = questions.neighbours(regression, HERE, "trained", delta)
    least = found["delta"] if delta is None else delta
    assert found["delta"] == pytest.approx(least)
    [own] = predicted(regression, HERE, "trained")["trained"]["scores"]
    assert own == pytest.approx(value(np.array([0.25]), np.array(["a"]))[0])
    for each in found["neighbours"]:
        assert abs(each["scores"][0] - own) >= least
    for way in questions.changes(regression, HERE, "trained", delta)["ways"]:
        [answer] = predicted(regression, {**HERE, **way["values"]}, "trained")["trained"]["scores"]
        assert abs(answer - own) >= least


def test_a_regression_has_no_threshold_and_is_never_wrong(regression):
    with pytest.raises(InputError, match="between two classes"):
        questions.trade_off(regression, "trained", None)
    with pytest.raises(InputError, match="only classes"):
        questions.rows(regression, None, "equal", None, None, "trained", 0)


@pytest.mark.parametrize("step", [100, 500, 900])
def test_the_threshold_divides_the_rows_as_they_are_counted(session, data, step):
    found = questions.trade_off(session, "trained", "group")
    labels = np.array([each == "yes" for each in data["label"]]).astype(int)
    groups = np.array([each or "" for each in data["group"]], object)
    scores = session.scores("trained")[:, 1]
    expected = fairness.rates(labels, scores, groups, step / found["steps"])
    assert {part["name"] for part in found["groups"]} == set(expected)
    for part in found["groups"]:
        rate = part["true"][step] / part["positives"]
        assert rate == pytest.approx(expected[part["name"]].true_positive_rate)
    assert found["all"]["positives"] == labels.sum()
    apart = np.sign(scores[labels == 1][:, None] - scores[labels == 0])
    assert found["auc"] == pytest.approx((apart.mean() + 1) / 2)


def test_the_process_of_the_models_answers_the_same(made, session):
    models = Models()
    try:
        found = models.ask(
            "predictions", made[0], values=HERE, row=None, candidates=["trained", "distilled"]
        )
        assert found == questions.predictions(session, HERE, None, ["trained", "distilled"])
        with pytest.raises(InputError, match="no row"):
            models.ask("example", made[0], row=10**6, seed=None)
    finally:
        models.close()
