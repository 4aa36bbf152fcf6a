"""What is known of each trial of a search, and the table of them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from components import files
from components.settings import Settings

#: The table's file in a TunerResults artifact, and the search's summary beside it.
TRIALS_FILE = "trials.parquet"
SEARCH_FILE = "search.json"

#: Prefixes of the table's columns of hyperparameters and of metrics.
HYPERPARAMETER, METRIC = "hp.", "metric."

State = Literal["complete", "stopped", "diverged", "out_of_memory", "crashed", "unfinished"]
#: States in which a trial has a score.
SCORED = ("complete", "stopped")


class TrialError(Exception):
    """The end of a trial that is no crash and has no score.

    Parameters
    ----------
    state : State
    message : str
    """

    def __init__(self, state: State, message: str) -> None:
        super().__init__(message)
        self.state: State = state


class Trial(Settings):
    """One trial.

    Attributes
    ----------
    id : str
        The strategy's number of it; ``default`` is the model as it was configured.
    state : str
        ``complete``; ``stopped`` early for want of hope or of time, with the score of its best
        epoch so far; ``diverged``, ``out_of_memory`` or ``crashed`` without a score;
        ``unfinished`` when the time was up before it had one.
    values : dict
        The strategy's point: active hyperparameters by name.
    model : dict
        The whole set of hyperparameters that was trained.
    score : float or None
        What the search optimises; the larger the better.
    metrics : dict of float
        Each objective on the eval split, and ``loss``.
    curve : tuple of float
        Validation loss after each epoch, without penalties.
    epochs : int
        Epochs that were trained.
    rounds : int
        Epochs (of tree ensembles: trees for each output) behind what was measured.
    parameters : int
        Trainable parameters, or nodes of trees.
    seconds : float
        Duration.
    started : float
        Seconds after the start of the search.
    error : str
        Why there is no score.
    """

    id: str
    state: State
    values: dict[str, Any]
    model: dict[str, Any] = Field(default={})
    score: float | None = None
    metrics: dict[str, float] = Field(default={})
    curve: tuple[float, ...] = ()
    epochs: int = 0
    rounds: int = 0
    parameters: int = 0
    seconds: float = 0.0
    started: float = 0.0
    error: str = ""


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the trial with the highest score, the first of equals; None if none has one."""
    scored = [trial for trial in trials if trial.score is not None]
    return max(scored, key=lambda trial: trial.score or -math.inf, default=None)


def write_table(trials: Sequence[Trial], front: Iterable[str], directory: str | Path) -> None:
    """Write the trials, in the order in which they ended, as a Parquet table.

    Its columns are those of `Trial`, with a column ``hp.NAME`` for each hyperparameter of the
    search (null where it was inactive; text where it is not a number), ``metric.NAME`` for
    each metric, and ``pareto``: whether the trial is on the Pareto front. The columns
    ``values``, ``model`` and ``curve`` hold JSON.

    Parameters
    ----------
    trials : sequence of Trial
    front : iterable of str
        Ids of the trials on the Pareto front.
    directory : path
    """
    on_front = set(front)
    columns: dict[str, Any] = {
        "id": pa.array([trial.id for trial in trials], pa.string()),
        "state": pa.array([trial.state for trial in trials], pa.string()),
        "score": pa.array([trial.score for trial in trials], pa.float64()),
        "pareto": pa.array([trial.id in on_front for trial in trials], pa.bool_()),
        "epochs": pa.array([trial.epochs for trial in trials], pa.int64()),
        "rounds": pa.array([trial.rounds for trial in trials], pa.int64()),
        "parameters": pa.array([trial.parameters for trial in trials], pa.int64()),
        "seconds": pa.array([trial.seconds for trial in trials], pa.float64()),
        "started": pa.array([trial.started for trial in trials], pa.float64()),
        "error": pa.array([trial.error for trial in trials], pa.string()),
    }
    for name in dict.fromkeys(name for trial in trials for name in trial.metrics):
        values = [trial.metrics.get(name) for trial in trials]
        columns[METRIC + name] = pa.array(values, pa.float64())
    for name in dict.fromkeys(name for trial in trials for name in trial.values):
        columns[HYPERPARAMETER + name] = _column([trial.values.get(name) for trial in trials])
    for name in ("values", "model", "curve"):
        texts = [json.dumps(getattr(trial, name), sort_keys=True) for trial in trials]
        columns[name] = pa.array(texts, pa.string())
    with files.atomic_path(Path(directory) / TRIALS_FILE) as path:
        pq.write_table(pa.table(columns), path)


def read_table(directory: str | os.PathLike[str]) -> list[Trial]:
    """Return the trials that `write_table` wrote."""
    names = [*Trial.model_fields]
    stored = [name for name in names if name != "metrics"]
    table = pq.read_table(Path(directory) / TRIALS_FILE)
    metrics = [name for name in table.column_names if name.startswith(METRIC)]
    return [
        Trial(
            **{
                **{name: row[name] for name in stored},
                **{name: json.loads(row[name]) for name in ("values", "model", "curve")},
            },
            metrics={
                name.removeprefix(METRIC): row[name] for name in metrics if row[name] is not None
            },
        )
        for row in table.to_pylist()
    ]


def _column(values: list[Any]) -> pa.Array:
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return pa.array(values, pa.bool_())
    if all(isinstance(value, int) and not isinstance(value, bool) for value in known):
        return pa.array(values, pa.int64())
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return pa.array(values, pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())
