"""Permuted features cost what they are worth."""

import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.errors import InputError
from components.explainer.permutation_importance import card
from components.explainer.permutation_importance.config import PermutationImportanceConfig
from components.explainer.permutation_importance.explanation import METHOD, explain
from components.explainer.permutation_importance.strata import permuted, strata
from tests.components.explainer import problems


def found(problem, deadline=None, **settings):
    config = PermutationImportanceConfig(**settings)
    return explain(problem, config, deadline or Deadline(600)).found


def binary(rows=400, seed=0):
    random = np.random.default_rng(seed)
    columns = problems.numbers(rows, 4, seed)
    columns["kind"] = random.choice(["a", "b", ""], rows).astype(object)
    columns["still"] = np.zeros(rows)

    def predict(asked):
        odds = 2 * asked["x0"] + asked["x1"] + 1.5 * (asked["kind"] == "a")
        return 1 / (1 + np.exp(-odds))

    labels = (random.random(rows) < predict(columns)).astype(int)
    return problems.problem(predict, columns, task="binary", labels=labels, seed=seed)


def test_it_agrees_with_scikit_learn():
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.inspection import permutation_importance

    problem = binary()
    columns, names = problem.subject.columns, ["x0", "x1", "x2", "x3"]

    class Model(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def fit(self, x, y):
            return self

        def predict_proba(self, x):
            asked = {**columns, **dict(zip(names, x.T, strict=True))}
            return problem.subject.predict(asked)

    x = np.stack([columns[name] for name in names], axis=1)
    theirs = permutation_importance(
        Model(), x, problem.subject.labels, scoring="roc_auc", n_repeats=40, random_state=0
    )
    ours = found(problem, repeats=40)
    assert ours["metric"] == "AUC"
    for place, name in enumerate(names):
        one = theirs.importances[place]
        error = np.sqrt(2 / 40) * one.std(ddof=1)
        assert ours["importance"][name] == pytest.approx(
            theirs.importances_mean[place], abs=4 * error + 1e-3
        )


def test_features_rank_by_what_they_do_and_others_cost_nothing():
    told = found(binary())
    assert [each["name"] for each in told["features"]][:2] == ["x0", "x1"]
    assert told["importance"]["x2"] == told["importance"]["still"] == 0
    for each in told["features"]:
        assert each["low"] <= each["importance"] <= each["high"]


@pytest.mark.parametrize("metric", ["RootMeanSquaredError", "R2Score"])
def test_errors_rise_and_scores_fall(metric):
    problem = problems.problem(lambda c: 3 * c["x0"] + c["x1"], problems.numbers(500, 3))
    told = found(problem, metric=metric)["importance"]
    assert told["x0"] > told["x1"] > told["x2"] == 0
    if metric == "RootMeanSquaredError":
        # The model is perfect: what is left is the spread of two independent values.
        assert told["x0"] == pytest.approx(3 * np.sqrt(2), rel=0.1)


def test_columns_of_a_group_are_permuted_together():
    columns = problems.numbers(500, 3)
    groups = {"pair": ("x0", "x1"), "x2": ("x2",)}
    problem = problems.problem(lambda c: c["x0"] - c["x1"], columns, groups=groups)
    same = columns | {"x1": columns["x0"].copy()}
    nothing = problems.problem(lambda c: c["x0"] - c["x1"], same, groups=groups)
    assert found(problem)["importance"]["pair"] == pytest.approx(2, rel=0.1)
    assert found(nothing)["importance"]["pair"] == pytest.approx(0, abs=1e-12)


def test_conditionally_a_copy_adds_nothing():
    columns = problems.numbers(800, 3)
    noise = np.random.default_rng(9).normal(size=800)
    columns["copy"] = columns["x0"] + 0.01 * noise
    problem = problems.problem(lambda c: c["copy"] + c["x1"], columns)
    told = found(problem, conditional=True, rows=800)
    apart = {each["name"]: each["importance"] for each in told["conditional"]}
    assert told["importance"]["copy"] == pytest.approx(np.sqrt(2), rel=0.15)
    assert apart["copy"] < 0.2 * told["importance"]["copy"]
    assert apart["x1"] > 0.8 * told["importance"]["x1"]


def test_strata_hold_rows_that_are_alike():
    columns = problems.numbers(300, 2)
    columns["kind"] = np.where(columns["x0"] > 0, "up", "down").astype(object)
    among = strata(columns, ["kind"], 20, 0)
    for stratum in np.unique(among):
        rows = among == stratum
        assert rows.sum() >= 20
    straddling = sum(len(set(columns["kind"][among == each])) > 1 for each in np.unique(among))
    assert straddling <= 1
    places = permuted(among, np.random.default_rng(0))
    assert sorted(places) == list(range(300))
    assert (among[places] == among).all()
    assert (places != np.arange(300)).mean() > 0.8
    # A column that tells of nothing else is permuted among all rows.
    assert len(np.unique(strata({"x0": columns["x0"]}, ["x0"], 20, 0))) == 1


def test_strata_take_missing_values_and_groups():
    columns = problems.numbers(100, 3)
    columns["x0"][::3] = np.nan
    columns["kind"] = np.array(["", "a"] * 50, object)
    for feature in (["x0"], ["kind"], ["x0", "kind"]):
        among = strata(columns, feature, 10, 0)
        assert np.bincount(among)[np.unique(among)].min() >= 10


def test_same_seed_same_numbers_whatever_the_order_of_rows():
    problem = binary(200)
    order = np.random.default_rng(3).permutation(200)
    shuffled = problems.problem(
        lambda c: problem.subject.predict(c)[:, 1],
        {name: values[order] for name, values in problem.subject.columns.items()},
        task="binary",
        labels=problem.subject.labels[order],
    )
    one, other = (found(each, conditional=True, rows=150) for each in (problem, shuffled))
    assert one["importance"] == pytest.approx(other["importance"], abs=1e-12)
    assert [each["name"] for each in one["features"]] == [
        each["name"] for each in other["features"]
    ]


class Ending:
    """A deadline that passes after so many looks at it."""

    def __init__(self, looks):
        self._left = looks

    @property
    def passed(self):
        self._left -= 1
        return self._left < 0

    def report(self, fraction, text):
        assert text


def test_without_time_intervals_are_wider_and_said():
    problem = binary()
    full, cut = found(problem, repeats=12), found(problem, Ending(2), repeats=12)
    widths = [sum(each["high"] - each["low"] for each in told["features"]) for told in (full, cut)]
    assert widths[1] > 2 * widths[0]
    assert any("2 of 12 marginal permutations" in note for note in cut["notes"])
    none = found(problem, Ending(0), conditional=True)
    assert none["features"][0]["low"] is None
    assert any("no time at all" in note for note in none["notes"])
    card.section(none)


def test_one_class_has_no_ranking():
    problem = binary()
    alone = problems.problem(
        lambda c: problem.subject.predict(c)[:, 1],
        problem.subject.columns,
        task="binary",
        labels=np.ones(400, int),
    )
    told = found(alone)
    assert told["metric"] == "BinaryAccuracy"
    assert any("one class" in note for note in told["notes"])


def test_bad_input_is_named():
    problem = binary(20)
    with pytest.raises(InputError) as error:
        found(problem, metric="MeanAbsoluteError")
    assert error.value.details["setting"] == "explainer.permutation_importance.metric"
    broken = problems.problem(lambda c: c["x0"] / 0 * 0, problems.numbers(5, 2))
    with pytest.raises(InputError, match="no number"):
        found(broken)
    assert METHOD.refuse(problems.images(), None) is not None
    assert METHOD.refuse(problems.problem(lambda c: c["x0"], problems.numbers(1, 1)), None)
    assert METHOD.refuse(problem, None) is None


def test_the_card_says_what_counts_and_takes_any_name():
    columns = problems.numbers(60, 1) | {"<i>": np.linspace(0, 1, 60)}
    told = found(problems.problem(lambda c: c["<i>"], columns), conditional=True)
    told = json.loads(json.dumps(told, allow_nan=False))
    html = card.section(told)
    assert "<i>" not in html
    assert "&lt;i&gt;" in html
    assert "<svg" in html
    assert "<i> 0." in card.lines(told)[0]
