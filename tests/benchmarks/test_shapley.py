"""The benchmarks of Shapley values measure what they say."""

import json

import numpy as np
import pytest

from benchmarks import explain_scale, shapley


@pytest.fixture(scope="module")
def task():
    random = np.random.default_rng(0)
    weights = random.normal(size=(6, 4))
    return shapley.Task(
        [f"x{place}" for place in range(6)],
        random.normal(size=(3, 6)),
        random.normal(size=(5, 6)),
        lambda rows: np.tanh(rows @ weights).sum(axis=1),
    )


def test_all_explain_the_same_game(task):
    truth = shapley.ours(task, "exact", 0)
    total = task.predict(task.rows) - task.predict(task.background).mean()
    assert truth.sum(axis=1) == pytest.approx(total)
    assert shapley.Result(shapley.shap_kernel(task, 512), 1.0).error(truth) < 0.1
    for name in ("kriging", "kernel", "permutation"):
        assert shapley.Result(shapley.ours(task, name, 60), 1.0).error(truth) < 0.1


def test_errors_are_relative_and_seconds_are_read_off():
    truth = np.array([[3.0, 4.0]])
    assert shapley.Result(np.array([[3.0, 3.0]]), 1.0).error(truth) == pytest.approx(0.2)
    curve = [(1.0, 0.4), (2.0, 0.2), (8.0, 0.05), (9.0, 0.06)]
    assert shapley.seconds_at(0.2, curve) == pytest.approx(2)
    # Half of the way in logarithms.
    assert shapley.seconds_at(0.1, curve) == pytest.approx(4)
    # No error is as large, or as small.
    assert shapley.seconds_at(0.9, curve) == pytest.approx(1)
    assert shapley.seconds_at(0.01, curve) == pytest.approx(9)


def test_the_figures_hold_together(task, monkeypatch):
    monkeypatch.setattr(shapley, "LADDER", (20, 32))
    monkeypatch.setattr(shapley, "COALITIONS", (32,))
    # The other of shap's compiles for long.
    monkeypatch.setattr(shapley, "PEERS", {"shap_kernel": shapley.shap_kernel})
    figures = json.loads(json.dumps(shapley.run(task)))
    assert set(figures["error"]) == {"32"}
    assert figures["speedup"] == min(figures["speedups"].values())
    assert set(figures["at_errors_of_shap"]) == {"shap_kernel 32"}
    assert figures["efficiency"] < 1e-9
    assert set(figures["methods"]) == {"kriging", "kernel", "permutation", "shap_kernel"}


def test_rows_are_counted_and_add_up(tmp_path, monkeypatch):
    monkeypatch.setattr(explain_scale, "SHARD_ROWS", 60)
    monkeypatch.setattr(explain_scale, "BATCH_ROWS", 25)
    found = explain_scale.run(150, tmp_path)
    assert found["rows"] == 150
    assert found["efficiency"] < 1e-9
    assert found["peak_mb"] >= found["start_mb"] > 0
    assert found["predictions"] > 150
    count, _ = explain_scale.check(sorted(tmp_path.iterdir()), list(explain_scale.trips(1, 0)))
    assert count == 150
