"""Small problems for the tests of the benchmark models, and models of them."""

from __future__ import annotations

import functools

import pytest

from components.model_debugger.benchmark_models import fitting
from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig
from components.model_debugger.benchmark_models.problem import Fitted, Problem
from components.models import lattice
from tests.components.distiller import data

ROWS, EPOCHS = 500, 6
TASKS = ("binary", "multiclass", "regression")
QUICK = {"max_rules": 10, "max_rules_rows": 300, "neighbours": 9}


def make(task="binary", seed=1, train=None, out_of_time=lambda: False, **settings) -> Problem:
    """Return the problem of `tests.components.distiller.data`'s table, or of its images."""
    config = BenchmarkModelsConfig(**(QUICK | settings))
    if task == "images":
        features, rows = data.IMAGES, (data.pictures(ROWS), data.pictures(200, seed=1))
    else:
        features = data.features_of(task)
        rows = data.table(ROWS, task), data.table(200, task, seed=1)
    return fitting.problem_of(train or rows[0], rows[1], features, config, seed, out_of_time)


def fit(name, problem):
    """Fit a model in few epochs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lattice, "EPOCHS", EPOCHS)
        return fitting.fit(name, problem)


@functools.cache
def fitted(name, task="binary") -> Fitted:
    """Return a model of `make`, fitted once."""
    return fit(name, make(task))
