"""What a model loses if features take their values of other rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.explainer.problem import Problem, stacked
from components.models.judge import Judge
from components.models.metric_names import METRIC_NAMES
from components.models.subject import Subject


class Trial:
    """Predicts permuted rows, and measures how much worse that is.

    Parameters
    ----------
    problem : Problem
    subject : Subject
        Its rows that are permuted.
    metric : str

    Attributes
    ----------
    quality : float
        The metric of the rows as they are.
    """

    def __init__(self, problem: Problem, subject: Subject, metric: str) -> None:
        self.problem, self.subject, self.metric = problem, subject, metric
        self._judge = Judge(subject.task, subject.labels, problem.seed)
        self._sign = 1 if METRIC_NAMES[metric].better == "higher" else -1
        self._scores = np.asarray(subject.scores, np.float64)
        problem.of_scores(self._scores)
        self.quality = self._judge.measure(self._scores)[metric]

    def losses(self, features: list[str], places: list[np.ndarray]) -> list[float]:
        """Return how much worse the metric is if features take their values of other rows.

        Parameters
        ----------
        features : list of str
        places : list of ndarray of int, shape [n]
            For each feature, the row whose value each row takes.
        """
        columns = self.subject.columns
        parts, changes = [], []
        for feature, place in zip(features, places, strict=True):
            group = self.problem.groups[feature]
            changed = np.zeros(len(place), bool)
            for name in group:
                values = columns[name]
                moved = values[place]
                changed |= (moved != values) & ~((moved != moved) & (values != values))
            rows = np.flatnonzero(changed)
            # Rows that keep their value keep their prediction.
            parts.append(
                {
                    name: values[place[rows]] if name in group else values[rows]
                    for name, values in columns.items()
                }
            )
            changes.append(rows)
        said = self._predicted(parts)
        found = []
        for rows, own in zip(changes, said, strict=True):
            scores = self._scores.copy()
            scores[rows] = own
            found.append(self._sign * (self.quality - self._judge.measure(scores)[self.metric]))
        return found

    def _predicted(self, parts: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
        """Return the scores of the rows of all parts, asked for at once."""
        assert self.subject.predict is not None
        every = stacked(parts)
        sizes = [len(next(iter(part.values()))) for part in parts]
        if not sum(sizes):
            return [self._scores[:0]] * len(parts)
        scores = np.asarray(self.subject.predict(every), np.float64)
        self.problem.of_scores(scores)
        return np.split(scores, np.cumsum(sizes)[:-1])


def in_order(problem: Problem, rows: int) -> Subject:
    """Return at most so many rows, in an order that is that of what they hold.

    Permutations are of places: they would otherwise be others if rows came in another order.
    """
    subject = problem.subject
    codes = [pd.factorize(values, sort=True)[0] for values in subject.columns.values()]
    order = np.lexsort([subject.labels, *codes])
    if len(order) > rows:
        chosen = np.random.default_rng(problem.seed).choice(len(order), rows, replace=False)
        order = order[np.sort(chosen)]
    return subject.take(order)
