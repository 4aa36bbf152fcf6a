"""Models as plain functions of raw columns, and rows on which they are explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from components.explainer.problem import Problem
from components.models.metric_names import BINARY, MULTICLASS, REGRESSION
from components.models.subject import Columns, Subject
from components.models.transformed import Features

#: Names of the classes where none are given.
CLASSES = {REGRESSION: (), BINARY: ("no", "yes"), MULTICLASS: ("a", "b", "c")}


def problem(
    predict: Callable[[Columns], np.ndarray],
    columns: Columns,
    background: Columns | None = None,
    *,
    task: str = REGRESSION,
    classes: Sequence[str] | None = None,
    labels: np.ndarray | None = None,
    background_labels: np.ndarray | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    link: str = "probability",
    seed: int = 0,
) -> Problem:
    """Return a problem whose model is a function.

    Parameters
    ----------
    predict : callable
        Columns of n rows to values [n] or [n, 1], to the probability [n] of the second class, or
        to probabilities [n, classes].
    columns : dict
        The rows that are explained.
    background : dict, optional
        The usual rows; by default those that are explained.
    labels, background_labels : ndarray, optional
        Indices of classes or numbers; by default what the model says.
    groups : mapping, optional
        Columns by feature; by default each column is one.
    """
    classes = CLASSES[task] if classes is None else tuple(classes)

    def scores(asked: Columns) -> np.ndarray:
        found = np.asarray(predict(asked), np.float64)
        if found.ndim == 1:
            found = found[:, None]
        if task == BINARY and found.shape[1] == 1:
            found = np.concatenate([1 - found, found], axis=1)
        return found

    def subject(rows: Columns, known: np.ndarray | None) -> Subject:
        said = scores(rows)
        if known is None:
            known = said[:, 0] if task == REGRESSION else said.argmax(axis=1)
        return Subject(
            task=task,
            classes=classes,
            label="y",
            columns=rows,
            labels=known,
            scores=said,
            predict=scores,
            images=None,
            model=None,
            arrays={},
            features=Features(label="y", task=task, classes=classes),
            time=None,
            row_ids=np.arange(len(known)),
            seed=seed,
        )

    usual = columns if background is None else background
    return Problem(
        subject=subject(columns, labels),
        background=subject(usual, labels if background is None else background_labels),
        groups={
            name: tuple(group) for name, group in (groups or {c: (c,) for c in columns}).items()
        },
        link=link,
        seed=seed,
    )


def numbers(rows: int, features: int, seed: int = 0) -> Columns:
    """Return columns ``x0``, ``x1`` and so on, standard normal and independent."""
    drawn = np.random.default_rng(seed).normal(size=(features, rows))
    return {f"x{index}": values for index, values in enumerate(drawn)}


def matrix(columns: Columns) -> np.ndarray:
    """Return numeric columns side by side, shape [n, columns]."""
    return np.stack(list(columns.values()), axis=1)


def images(
    outputs: int = 2, size: int = 8, rows: int = 4, seed: int = 0, *, task: str = BINARY
) -> Problem:
    """Return a problem of gray images without a served function of columns or a model."""
    drawn = np.random.default_rng(seed).integers(0, 256, (rows, size, size, 1))
    classes = tuple(CLASSES[task][:outputs])
    scores = np.full((rows, outputs), 1 / outputs)
    subject = Subject(
        task=task,
        classes=classes,
        label="y",
        columns={},
        labels=np.arange(rows) % outputs,
        scores=scores,
        predict=None,
        images=drawn.astype(np.float32),
        model=None,
        arrays={},
        features=Features(label="y", task=task, classes=classes),
        time=None,
        row_ids=np.arange(rows),
        seed=seed,
    )
    return Problem(subject=subject, background=subject, groups={}, link="probability", seed=seed)
