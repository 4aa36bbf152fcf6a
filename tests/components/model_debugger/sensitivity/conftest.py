"""Models that are formulas, and rows to ask them for."""

from __future__ import annotations

import numpy as np
import pytest

from components.models.subject import Subject

ROWS = 400


def _columns(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    return {
        "x": random.uniform(0, 10, rows),
        "count": random.integers(0, 20, rows).astype(float),
        "gaps": np.where(random.random(rows) < 0.25, np.nan, random.normal(size=rows)),
        "city": random.choice(["A", "B", "C", ""], rows, p=[0.5, 0.3, 0.1, 0.1]).astype(object),
    }


def _subject(task, formula, columns=None, *, classes=(), noise=0.0, seed=1):
    """Return a subject whose model is `formula`: of a regression, or the log-odds of classes."""
    columns = _columns() if columns is None else columns
    rows = len(next(iter(columns.values())))

    def predict(values):
        assert list(values) == list(columns)
        found = np.asarray(formula(values), np.float64)
        if task == "regression":
            return found[:, None]
        if task == "binary":
            p = 1 / (1 + np.exp(-found))
            return np.stack([1 - p, p], axis=1)
        odds = np.exp(found - found.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    scores = predict(columns)
    random = np.random.default_rng(seed)
    if task == "regression":
        labels = scores[:, 0] + noise * random.normal(size=rows)
    else:
        labels = (random.random((rows, 1)) > np.cumsum(scores, axis=1)).sum(axis=1)
        labels = np.minimum(labels, scores.shape[1] - 1)
    return Subject(
        task=task,
        classes=tuple(classes) or (("no", "yes") if task == "binary" else ()),
        label="y",
        columns=columns,
        labels=labels,
        scores=scores,
        predict=predict,
        images=None,
        model=None,
        arrays={},
        features=None,
        time=None,
        row_ids=np.arange(rows) + 100,
        seed=seed,
    )


@pytest.fixture(scope="session")
def make_columns():
    return _columns


@pytest.fixture(scope="session")
def make_subject():
    return _subject
