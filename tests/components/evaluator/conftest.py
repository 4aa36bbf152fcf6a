"""Tables of predictions as the engines get them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.evaluator import eval_config, local_evaluation, summary

ROWS = 400


def _make_pipeline() -> beam.Pipeline:
    """Return a pipeline that runs in this process."""
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))


def _make_table(task: str, rows: int = ROWS, seed: int = 3, classes: int = 3) -> pa.Table:
    """Return labels, scores of a good candidate and a poorer baseline, and slice columns.

    `hour` has missing values, `area` is text with one value that looks like a number
    and one that is rare, `share` is a number with a fraction.
    """
    random = np.random.default_rng(seed)
    hour = random.integers(0, 4, rows)
    area = random.choice(["north", "south", "60601", "rare"], rows, p=[0.5, 0.3, 0.19, 0.01])
    columns: dict[str, Any] = {}
    if task == "regression":
        y = random.normal(5, 2, rows)
        y[:5] = 0
        scores = {m: (y + random.normal(0, s, rows)) for m, s in (("trained", 1), ("baseline", 2))}
        columns["__label__"] = pa.array(y, pa.float64())
    elif task == "binary":
        y = random.integers(0, 2, rows)
        # One slice has one class only, and some scores are exactly 0, 0.5 and 1.
        y[hour == 3] = 1
        scores = {
            m: np.clip(s * y + random.random(rows) * 0.8, 0, 1)
            for m, s in (("trained", 0.4), ("baseline", 0.2))
        }
        scores["trained"][:4] = [0, 1, 1, 0.5]
        columns["__label__"] = pa.array(y, pa.int64())
    else:
        y = random.integers(0, classes, rows)
        scores = {}
        for model, bonus in (("trained", 0.5), ("baseline", 0.2)):
            raw = random.random((rows, classes))
            raw[np.arange(rows), y] += bonus
            scores[model] = raw / raw.sum(axis=1, keepdims=True)
        columns["__label__"] = pa.array(y, pa.int64())
    for model, values in scores.items():
        kind = pa.large_list(pa.float32()) if values.ndim == 2 else pa.float32()
        columns[f"__prediction__{model}"] = pa.array(values.tolist(), kind)
    columns["hour"] = pa.array(hour, pa.int64(), mask=random.random(rows) < 0.1)
    columns["area"] = pa.array(area.tolist(), pa.string())
    columns["share"] = pa.array(random.choice([0.5, 0.1], rows), pa.float32())
    return pa.table(columns)


def _run_local(table, config, task, *, has_baseline=True, classes=3, models=None):
    """Return the EvalConfig and the metrics of the engine in memory."""
    models = models or (["trained", "baseline"] if has_baseline else ["trained"])
    wanted = eval_config.build(config, task, classes, models)
    found = local_evaluation.evaluate(table, wanted, task, config.replicates, config.seed)
    return wanted, summary.sort_slices(found)


@pytest.fixture(scope="session")
def make_pipeline():
    return _make_pipeline


@pytest.fixture(scope="session")
def make_table():
    return _make_table


@pytest.fixture(scope="session")
def run_local():
    return _run_local


@pytest.fixture
def store(tmp_path: Path) -> Callable[[pa.Table], Path]:
    """Return a function that stores a table where the Beam engine reads it."""

    def write(table: pa.Table) -> Path:
        directory = tmp_path / "predictions"
        directory.mkdir(exist_ok=True)
        half = table.num_rows // 2
        pq.write_table(table.slice(0, half), directory / "part-00000-of-00002.parquet")
        pq.write_table(table.slice(half), directory / "part-00001-of-00002.parquet")
        return directory

    return write
