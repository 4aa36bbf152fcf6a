"""What is kept of Shapley values, and how the work ends."""

import json

import numpy as np
import pytest

from components.deadline import Deadline
from components.errors import InputError
from components.explainer.shapley import card
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.shapley.explanation import OTHERS, explain
from tests.components.explainer import problems


class Ending:
    """A deadline that passes after so many looks at it."""

    def __init__(self, looks):
        self._left = looks

    @property
    def passed(self):
        self._left -= 1
        return self._left < 0

    def report(self, fraction, text):
        assert fraction >= 0
        assert text


def mixed(rows, seed=0):
    random = np.random.default_rng(seed)
    return {
        "fare": np.where(random.random(rows) < 0.1, np.nan, random.lognormal(size=rows)),
        "pay": random.choice(["card", "cash", ""], rows).astype(object),
        "<b>": random.normal(size=rows),
        "still": np.ones(rows),
    }


def probability(columns):
    fare = np.nan_to_num(columns["fare"])
    odds = fare - 2 * (columns["pay"] == "cash") + columns["<b>"] * (columns["pay"] == "card")
    return 1 / (1 + np.exp(-odds))


@pytest.fixture(scope="module")
def table():
    return problems.problem(
        probability, mixed(30), mixed(40, 1), task="binary", link="log_odds", seed=3
    )


@pytest.fixture(scope="module")
def found(table):
    return explain(table, ShapleyConfig(rows=20, background=10), Deadline(600))


def test_it_is_data(found, table):
    told = json.loads(json.dumps(found.found, allow_nan=False))
    assert told["method"] == "exact"
    assert told["rows"] == 20
    assert told["efficiency_gap"] < 1e-9
    assert set(told["importance"]) == set(table.features)
    assert told["importance"]["still"] == pytest.approx(0, abs=1e-12)
    assert [each["name"] for each in told["features"]][-1] == "still"
    for each in told["features"]:
        assert each["low"] <= each["importance"] <= each["high"]
    for row in told["shown"]:
        total = row["base"] + sum(part["value"] for part in row["parts"])
        assert row["prediction"] == pytest.approx(total)
        place = table.subject.row_ids.tolist().index(row["row"])
        cells = {part["name"]: part["cells"][0] for part in row["parts"]}
        assert cells["pay"] == (table.subject.columns["pay"][place] or None)
    [written] = found.tables.values()
    assert written.num_rows == 20
    values = np.stack([written[f"value:{name}"] for name in table.features], axis=1)
    assert values == pytest.approx(found.attributions.values[:, :, 0])


def test_same_seed_same_values_whatever_the_order_of_rows(found, table):
    order = np.random.default_rng(5).permutation(30)
    shuffled = problems.problem(
        probability,
        {name: values[order] for name, values in table.subject.columns.items()},
        table.background.columns,
        task="binary",
        link="log_odds",
        seed=3,
    )
    again = explain(shuffled, ShapleyConfig(rows=20, background=10), Deadline(600))
    ours = dict(zip(found.attributions.rows, found.attributions.values, strict=True))
    theirs = dict(zip(order[again.attributions.rows], again.attributions.values, strict=True))
    assert ours.keys() == theirs.keys()
    for row, values in ours.items():
        assert values == pytest.approx(theirs[row], abs=1e-12)
    assert again.found["importance"] == pytest.approx(found.found["importance"])
    for one, other in zip(
        *(each.found["points"]["features"] for each in (found, again)), strict=True
    ):
        assert one["name"] == other["name"]
        assert sorted(one["values"]) == pytest.approx(sorted(other["values"]))


def test_a_category_that_the_background_lacks_is_explained():
    rows = mixed(3)
    rows["pay"] = np.array(["crypto", "cash", "card"], object)
    problem = problems.problem(probability, rows, mixed(20, 1), task="binary")
    values = explain(problem, ShapleyConfig(), Deadline(600)).attributions.values
    assert np.isfinite(values).all()
    assert values[0, 1, 0] != 0


def test_a_model_without_numbers_is_an_error(table):
    broken = problems.problem(lambda c: c["<b>"] * np.nan, mixed(5))
    with pytest.raises(InputError, match="no number"):
        explain(broken, ShapleyConfig(), Deadline(600))


def wide(method, coalitions=800, looks=10**6, **settings):
    random = np.random.default_rng(0)
    hidden = random.normal(size=(14, 6)) / 2
    problem = problems.problem(
        lambda c: np.tanh(problems.matrix(c) @ hidden).sum(axis=1),
        problems.numbers(12, 14),
        problems.numbers(9, 14, 1),
    )
    config = ShapleyConfig(method=method, coalitions=coalitions, **settings)
    return explain(problem, config, Ending(looks)).found


@pytest.mark.parametrize("method", ["kriging", "kernel", "permutation"])
def test_without_time_errors_are_wider_and_said(method):
    full, cut = wide(method, tolerance=1e-6), wide(method, looks=3, tolerance=1e-6)
    assert cut["coalitions"] < full["coalitions"]
    assert cut["relative_error"] > full["relative_error"]
    widths = [
        sum(each["high"] - each["low"] for each in found["features"]) for found in (cut, full)
    ]
    assert widths[0] > widths[1]
    assert any("time was over" in note for note in cut["notes"])
    assert any("No time was left for interactions" in note for note in cut["notes"])
    assert any("not converged" in note for note in full["notes"])


def test_it_ends_when_it_has_converged():
    loose, strict = wide("kriging", tolerance=0.05), wide("kriging", tolerance=0.005)
    assert loose["coalitions"] < strict["coalitions"] <= 800
    assert loose["relative_error"] <= 0.05
    assert strict["relative_error"] <= 0.005
    assert not loose["notes"]


def test_exact_values_that_take_too_long_are_those_of_the_first_rows(monkeypatch):
    from components.explainer.shapley import explanation, rounds

    monkeypatch.setattr(rounds, "BLOCK_NUMBERS", 1 << 6)
    monkeypatch.setattr(explanation, "CHUNK_ROWS", 1 << 8)
    problem = problems.problem(lambda c: c["x0"] * c["x1"], problems.numbers(12, 4))
    found = explain(problem, ShapleyConfig(), Ending(1))
    assert 0 < found.found["rows"] < 12
    assert len(found.attributions.rows) == found.found["rows"]
    assert any("the time was over" in note for note in found.found["notes"])


def test_too_few_coalitions_and_too_many_features_are_said():
    found = wide("exact", coalitions=2)
    assert found["method"] == "kriging"
    assert found["coalitions"] <= 32
    assert any("16,384 coalitions" in note for note in found["notes"])
    assert any("32 coalitions are taken, not 2" in note for note in found["notes"])


def test_interactions_of_many_features_are_those_of_the_most_important():
    names = {name for pair in wide("kriging")["interactions"] for name in pair["features"]}
    assert len(names) == 6
    assert OTHERS in names


def test_several_outputs():
    def predict(columns):
        odds = np.stack([columns["x0"], columns["x1"], 0 * columns["x0"]], axis=1)
        odds = np.exp(odds)
        return odds / odds.sum(axis=1, keepdims=True)

    problem = problems.problem(predict, problems.numbers(7, 3), task="multiclass")
    found = explain(problem, ShapleyConfig(), Deadline(600))
    assert found.attributions.values.shape == (7, 3, 3)
    assert found.attributions.values.sum(axis=2) == pytest.approx(0, abs=1e-12)
    assert found.tables["shapley"].num_rows == 21


def test_the_card_says_what_counts_and_takes_any_name(found):
    html = card.section(found.found)
    assert "<b>" not in html.replace("&lt;b&gt;", "")
    assert "&lt;b&gt;" in html
    assert html.count("<svg") >= 5
    assert "<script" not in html
    first = found.found["features"][0]["name"]
    [line, *_] = card.lines(found.found)
    assert first in line


def test_the_card_of_one_row_and_one_feature():
    problem = problems.problem(lambda c: c["x0"], problems.numbers(1, 1), problems.numbers(4, 1))
    found = explain(problem, ShapleyConfig(), Deadline(600)).found
    assert "x0" in card.section(found)
    assert "x0" in card.lines(found)[0]
