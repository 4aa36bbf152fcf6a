"""What a run on a window of later rows is told, and what it is not."""

from __future__ import annotations

import pytest

from components.errors import InputError
from components.evaluator.config import BEATS
from components.example_gen.config import SplitConfig
from components.example_gen.dataset import Column, DatasetSpec
from pipeline import config
from pipeline.invocation import Invocation
from pipeline.monitoring import monitor, retraining

WINDOW = {"uri": "/r/artifacts/DriftMonitor/history/7", "artifact": 7, "empty": []}


def dataset(**kinds):
    columns = [Column(name=n, kind=k, missing=0, distinct=None) for n, k in kinds.items()]
    return DatasetSpec(
        format="csv",
        files=("/d.csv",),
        spans={},
        bytes=1,
        rows=1,
        rows_without_label=0,
        split_rows={},
        fingerprint="",
        columns=tuple(columns),
        label="y",
        task="binary",
        classes=("0", "1"),
        split=SplitConfig(),
        delimiter=",",
        encoding="utf-8",
        missing_values=("",),
    )


def settings(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text("data: {path: d.csv, label: y, exclude: [id, tips]}\n" + text)
    return config.load(path)


def test_a_run_on_a_window_must_beat_the_last_model_and_keep_all_other_bounds(tmp_path):
    loaded = settings(tmp_path, "evaluator: {thresholds: {AUC: {min: 0.7}}}\nmonitor: {key: id}")
    found = retraining(loaded, dataset(x="numeric", at="time", y="integer"), WINDOW)
    assert [(t.min, t.min_gain) for t in found.evaluator.thresholds["AUC"]] == [
        (0.7, None),
        (None, BEATS),
    ]
    assert found.data.path == "/r/artifacts/DriftMonitor/history/7/window.parquet"
    # The key is there, and is no feature; what else was left out is not there.
    assert (found.data.exclude, found.data.columns) == (("id",), {"at": "time"})
    assert (found.later.history, found.later.window) == (7, 7)
    assert {"HistoryResolver", "WindowResolver"} <= {n.name for n in found.enabled_nodes}


def test_columns_without_a_value_in_the_window_are_named_nowhere(tmp_path):
    text = """
debugger:
  benchmark_models: {monotonic: {zone: increasing, x: increasing}}
  adversarial: {tables: {immutable: [zone, x]}}
evaluator: {slices: [[zone], [x], [zone, x]]}
"""
    window = {**WINDOW, "empty": ["zone"]}
    found = retraining(settings(tmp_path, text), dataset(x="numeric", y="integer"), window)
    assert found.debugger.adversarial.tables.immutable == ("x",)
    assert found.debugger.benchmark_models.monotonic == {"x": "increasing"}
    assert found.evaluator.slices == (("x",), ("x",))


def test_a_column_may_be_called_as_a_setting_is(tmp_path):
    loaded = settings(tmp_path, "trainer: {epochs: 3}\nevaluator: {slices: [[x]]}")
    window = {**WINDOW, "empty": ["trainer", "epochs", "slices"]}
    found = retraining(loaded, dataset(x="numeric", y="integer"), window)
    assert (found.trainer.epochs, found.evaluator.slices) == (3, (("x",),))


def test_nothing_to_monitor_is_said_before_a_store_is_looked_for(tmp_path):
    loaded = settings(tmp_path, "")
    with pytest.raises(InputError, match="nothing to monitor"):
        monitor(
            loaded,
            (),
            labels=None,
            base=None,
            retrain=None,
            invocation=Invocation("c.yaml"),
            as_json=False,
        )
