"""Models of known faults, and rows on which they show."""

from __future__ import annotations

import numpy as np
import pytest

from components.models.subject import Subject


def _subject(task, labels, scores, columns, *, classes=(), time=None, seed=1):
    return Subject(
        task=task,
        classes=tuple(classes),
        label="y",
        columns=columns,
        labels=labels,
        scores=scores,
        predict=None,
        images=None,
        model=None,
        arrays={},
        features=None,
        time=time,
        row_ids=np.arange(len(labels)) * 2,
        seed=seed,
    )


def _columns(rows, random):
    return {
        "x": random.lognormal(size=rows),
        "z": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 5, rows)),
        "city": random.choice(["A", "B", "C", ""], rows, p=[0.5, 0.3, 0.15, 0.05]).astype(object),
    }


@pytest.fixture(scope="session")
def make_subject():
    return _subject


@pytest.fixture(scope="session")
def make_columns():
    return _columns


@pytest.fixture(scope="session")
def make_regression():
    """Return a function of what the error of each row is: (columns, random) -> array."""

    def make(error, rows=1500, seed=0, *, time=True):
        random = np.random.default_rng(seed)
        columns = _columns(rows, random)
        predictions = 10 + 3 * random.normal(size=rows)
        labels = predictions + error(columns, random)
        order = np.arange(rows).astype(float) * 86400 if time else None
        return _subject("regression", labels, predictions[:, None], columns, time=order, seed=seed)

    return make


@pytest.fixture(scope="session")
def make_binary():
    """Return a function of the true log-odds: (odds that the model says, columns) -> array."""

    def make(truth, rows=3000, seed=0, *, time=False):
        random = np.random.default_rng(seed)
        columns = _columns(rows, random)
        odds = -0.5 + 1.5 * random.normal(size=rows)
        labels = (random.random(rows) < 1 / (1 + np.exp(-truth(odds, columns)))).astype(int)
        p = 1 / (1 + np.exp(-odds))
        return _subject(
            "binary",
            labels,
            np.stack([1 - p, p], axis=1),
            columns,
            classes=("no", "yes"),
            time=np.arange(rows).astype(float) if time else None,
            seed=seed,
        )

    return make
