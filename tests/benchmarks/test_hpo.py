"""The benchmark of hyperparameter search treats every method alike and counts right."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import hpo, hpo_tables
from benchmarks.hpo_tables import LEVELS, Table

NAME = "vehicle"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table in which lower levels are better, and whose seeds differ by a little."""
    sizes = [len(levels) for levels in LEVELS["hpobench"].values()]
    results = {
        "".join(map(str, digits)): {"val_acc": [1.0 - sum(digits) / 50 - s / 1e4 for s in range(5)]}
        for digits in itertools.product(*map(range, sizes))
    }
    monkeypatch.setattr(hpo_tables, "hpo_table", lambda *_: results)
    table = Table(NAME)
    monkeypatch.setattr(hpo, "table", lambda _: table)
    return table


def test_rows_are_configurations(data: Table) -> None:
    best = {name: levels[0] for name, levels in data.levels.items()}
    worst = {name: levels[-1] for name, levels in data.levels.items()}
    assert hpo.row(data, best) == 0
    assert hpo.row(data, worst) == len(data.means) - 1 == 29_999
    assert data.means[0] == pytest.approx(2e-4)
    assert data.losses[-1, 0] == pytest.approx((9 + 9 + 2 + 9 + 9) / 50)


def test_regret_is_nothing_at_the_optimum_and_one_in_the_middle(data: Table) -> None:
    middle = int(np.argsort(data.means)[15_000])
    assert data.regret(0) == 0.0
    assert data.regret(middle) == pytest.approx(1.0)


def test_draws_are_of_single_seeds_and_the_same_for_all(data: Table) -> None:
    first, again, other = data.draws(1), data.draws(1), data.draws(2)
    assert (first == again).all()
    assert 0.7 < (first != other).mean() < 0.9
    assert (first[:, None] == data.losses).any(axis=1).all()


@pytest.mark.parametrize("method", ["random", "bayesian"])
def test_search_is_seeded_and_returns_its_best(method: str, data: Table) -> None:
    [first], [second] = (list(hpo.search(method, NAME, [3])) for _ in range(2))
    assert first["found"] == second["found"]
    assert first["method"] == method
    if method == "bayesian":
        assert data.regret(first["found"]) < 0.1


def searches(found: dict[str, list[int]]) -> list[hpo.Search]:
    return [
        {"method": method, "set": NAME, "seed": seed, "found": row, "seconds": 1.0}
        for method, rows in found.items()
        for seed, row in enumerate(rows)
    ]


def test_ranks_are_over_common_pairs_and_of_one_strategy_of_ours(data: Table) -> None:
    last = len(data.means) - 1
    summary = hpo.summarise(
        searches(
            {
                "random": [last, last, 0],
                "bayesian": [0, 0, last],
                "evolution": [0, last, last],
                "optuna_tpe": [0, 5, last],
                "keras_tuner_bayesian": [5, 5],
            }
        )
    )
    assert summary["ranked_pairs"] == {"with_keras_tuner": 2, "without_keras_tuner": 3}
    assert summary["ours_best_is"] == "bayesian"
    assert summary["mean_rank"] == {
        "ours_best": 1.25,
        "random": 4.0,
        "optuna_tpe": 2.0,
        "keras_tuner_bayesian": 2.75,
    }
    assert summary["mean_rank_without_keras_tuner"] == {
        "ours_best": pytest.approx(1.667, abs=1e-3),
        "random": pytest.approx(2.333, abs=1e-3),
        "optuna_tpe": 2.0,
    }
    assert summary["seeds"]["random"] == 3
    assert summary["seeds"]["keras_tuner_bayesian"] == 2


def test_logarithm_has_a_floor() -> None:
    assert hpo.mean_log([0.0, 1.0]) == pytest.approx(-2.5)


def test_interrupted_run_goes_on(
    data: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "searches.jsonl"
    asked: list[tuple[str, list[int]]] = []

    def search(method: str, name: str, seeds: list[int]) -> Any:
        asked.append((method, seeds))
        return [each for each in searches({method: [0] * 4}) if each["seed"] in seeds]

    done = searches({"evolution": [0, 0], "random": [0]})
    text = "".join(json.dumps(each) + "\n" for each in done)
    kept.write_text(text + '{"method": "rand')
    monkeypatch.setattr(hpo, "search", search)
    monkeypatch.setattr(hpo, "SETS", {NAME: "hpobench"})
    arguments = ["hpo", "--seeds", "3", "--methods", "random", "evolution", "--keep", str(kept)]
    monkeypatch.setattr("sys.argv", arguments)
    hpo.main()
    assert asked == [("random", [1, 2]), ("evolution", [2])]
    assert json.loads(capsys.readouterr().out)["ranked_pairs"]["with_keras_tuner"] == 3
    assert len([json.loads(line) for line in kept.read_text().splitlines()]) == 6
