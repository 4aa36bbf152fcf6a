"""Rows that stand for all where each is looked at for long."""

from __future__ import annotations

import hashlib

import numpy as np

from components.explainer import axes
from components.explainer.problem import Problem


def rows(problem: Problem, count: int) -> np.ndarray:
    """Return the places of rows from the least to the greatest answer, evenly by rank.

    Parameters
    ----------
    problem : Problem
    count : int
        At most. Answers are of the first output; of images, the choice is at random.

    Returns
    -------
    ndarray of int
        What rows hold decides, not their order.
    """
    subject = problem.subject
    if subject.images is not None:
        digests = [hashlib.sha256(each.tobytes()).digest() for each in subject.images]
        return np.array(sorted(range(len(digests)), key=digests.__getitem__)[:count], np.int64)
    order = axes.in_order(subject.columns)
    answers = problem.of_scores(subject.scores)[order, 0].round(9)
    order = order[np.argsort(answers, kind="stable")]
    if count >= len(order):
        return order
    return np.asarray(order[np.unique(np.linspace(0, len(order) - 1, count).round().astype(int))])
