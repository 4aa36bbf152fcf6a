"""The benchmark of architecture search asks the table for what it says."""

from __future__ import annotations

import pytest

from benchmarks import nas
from components.strategies.table import STRATEGIES


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> nas.Table:
    """All cells; the more convolutions of 3x3, the better, and noise of half of one's worth."""
    cells = [""]
    for _ in nas.EDGES:
        cells = [cell + operation for cell in cells for operation in "01234"]
    results = {
        cell: {"val_acc": [10.0 * cell.count("3") - 2.5, 10.0 * cell.count("3") + 2.5]}
        for cell in cells
    }
    monkeypatch.setattr(nas, "hpo_table", lambda *_: results)
    return nas.Table()


def test_score_is_the_mean_and_a_query_one_seed(table: nas.Table) -> None:
    values = dict.fromkeys(nas.EDGES, "nor_conv_3x3")
    assert table.key(values) == "333333"
    assert table.optimum == table.mean(values) == 60.0
    query = table.query(0)
    assert {query(values) for _ in range(20)} == {57.5, 62.5}


@pytest.mark.parametrize("key", ["random", "bayesian"])
def test_search_is_seeded(key: str, table: nas.Table) -> None:
    oracle = STRATEGIES[nas.REPORTED[key]]
    first, second = (nas.drive_strategy(oracle, 1, table.query(1)) for _ in range(2))
    assert first == second
    assert table.mean(first) >= (60.0 if key == "bayesian" else 30.0)
