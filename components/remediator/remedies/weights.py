"""Weights of rows against a failed check: for fairness in closed form, for slices by a factor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from components.models import measuring
from components.models.rows import Rows
from components.remediator import checks, groups
from components.remediator.config import (
    FairnessGap,
    ResamplingRemedy,
    ReweightingRemedy,
    SliceGap,
)
from components.remediator.problem import Problem


@dataclass(frozen=True)
class Weighting:
    """Weights of one strength.

    Attributes
    ----------
    strength : str
        For people.
    train, tuning : ndarray, shape [n]
        Of the rows of each; those of train have the mean 1.
    """

    strength: str
    train: np.ndarray
    tuning: np.ndarray


def weightings(
    problem: Problem,
    check: FairnessGap | SliceGap,
    settings: ReweightingRemedy | ResamplingRemedy,
) -> Iterator[Weighting]:
    """Yield the weights of each declared strength."""
    if isinstance(check, FairnessGap):
        train, tuning = (
            groups.texts(rows.columns[check.column]) for rows in (problem.train, problem.tuning)
        )
        table = independence(problem.train.labels, train)
        base = [
            _looked_up(table, rows.labels, of)
            for rows, of in ((problem.train, train), (problem.tuning, tuning))
        ]
        for power in settings.powers:
            yield _normal(f"weights to the power {power:g}", *(each**power for each in base))
        return
    inside = [in_bad_slices(problem, check, rows) for rows in (problem.train, problem.tuning)]
    for factor in settings.factors:
        yield _normal(
            f"the slice weighs {factor:g} times", *(np.where(rows, factor, 1.0) for rows in inside)
        )


def independence(labels: np.ndarray, group: np.ndarray) -> dict[tuple[str, int], float]:
    """Return the weight of each group and label that makes the two independent.

    It is ``P(group) P(label) / P(group, label)`` (Kamiran and Calders, "Data preprocessing
    techniques for classification without discrimination", 2012, section 4.1).

    Parameters
    ----------
    labels : ndarray of int, shape [n]
    group : ndarray of str, shape [n]

    Examples
    --------
    >>> found = independence(np.array([1, 0, 0, 0]), np.array(["a", "a", "b", "b"]))
    >>> {key: round(weight, 3) for key, weight in found.items()}
    {('a', 0): 1.5, ('a', 1): 0.5, ('b', 0): 0.75}
    """
    names, rows = np.unique(group.astype(str), return_inverse=True)
    classes, columns = np.unique(labels, return_inverse=True)
    joint = np.zeros((len(names), len(classes)))
    np.add.at(joint, (rows, columns), 1.0)
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True) / joint.sum()
    return {
        (str(name), int(label)): float(expected[i, j] / joint[i, j])
        for i, name in enumerate(names)
        for j, label in enumerate(classes)
        if joint[i, j]
    }


def bad_slices(problem: Problem, check: SliceGap) -> list[str]:
    """Return the slices that break the check's limit on the tuning rows; at least the worst."""
    scores = measuring.scores(measuring.outputs(problem.model, problem.tuning.arrays), problem.task)
    gaps = checks.slice_gaps(check, problem.task, problem.tuning, scores)
    found = [name for name, gap in gaps.items() if gap > check.limit]
    return found or sorted(gaps, key=lambda name: -gaps[name])[:1]


def in_bad_slices(problem: Problem, check: SliceGap, rows: Rows) -> np.ndarray:
    """Return which rows [n] are in one of the `bad_slices`."""
    found = groups.slices(check.model_copy(update={"min_rows": 1}), rows.columns)
    inside = np.zeros(len(rows), bool)
    for name in bad_slices(problem, check):
        inside |= found.get(name, False)
    return inside


def _looked_up(
    table: dict[tuple[str, int], float], labels: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """Return the weight of each row; 1 for a group with a label that train does not have."""
    return np.array(
        [table.get((str(of), int(label)), 1.0) for of, label in zip(group, labels, strict=True)]
    )


def _normal(strength: str, train: np.ndarray, tuning: np.ndarray) -> Weighting:
    return Weighting(strength, train / train.mean(), tuning / train.mean())
