"""The table of trials keeps what was known of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from components.tuner.trials import TRIALS_FILE, Trial, best, read_table, write_table

TRIALS = [
    Trial(
        id="default",
        state="complete",
        values={},
        model={"architecture": "mlp"},
        score=0.8,
        metrics={"AUC": 0.8, "loss": 0.4},
        curve=(0.5, 0.4),
        epochs=2,
        parameters=17,
        seconds=1.5,
    ),
    Trial(id="0", state="crashed", values={"units": 8, "kind": "a"}, error="RuntimeError: no"),
    Trial(
        id="1",
        state="stopped",
        values={"units": 16, "rate": 0.1, "flag": True},
        score=0.9,
        metrics={"AUC": 0.9, "loss": 0.3},
        started=2.0,
    ),
]


def test_table_gives_back_the_trials(tmp_path: Path) -> None:
    write_table(TRIALS, ["1"], tmp_path)
    assert read_table(tmp_path) == TRIALS


def test_table_is_made_for_analysis(tmp_path: Path) -> None:
    write_table(TRIALS, ["1"], tmp_path)
    table = pq.read_table(tmp_path / TRIALS_FILE)
    assert table["hp.units"].to_pylist() == [None, 8, 16]
    assert table["hp.rate"].to_pylist() == [None, None, 0.1]
    assert table["hp.flag"].to_pylist() == [None, None, True]
    assert table["metric.AUC"].to_pylist() == [0.8, None, 0.9]
    assert table["pareto"].to_pylist() == [False, False, True]


def test_table_of_no_searched_values(tmp_path: Path) -> None:
    write_table(TRIALS[:1], [], tmp_path)
    assert read_table(tmp_path) == TRIALS[:1]


def test_best_is_the_first_of_the_highest() -> None:
    assert best(TRIALS) is TRIALS[2]
    tie = TRIALS[2].model_copy(update={"id": "2"})
    assert best([*TRIALS, tie]) is TRIALS[2]
    assert best(TRIALS[1:2]) is None
