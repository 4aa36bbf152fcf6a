"""What a model decides, given what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.explainer.problem import Problem
from components.models.metric_names import BINARY, REGRESSION
from components.page import number


def in_words(problem: Problem) -> list[str]:
    """Return what each output of a problem is, in words."""
    subject = problem.subject
    if subject.task == REGRESSION:
        return [subject.label]
    what = "log-odds of " if problem.link == "log_odds" else "probability of "
    return [f"{what}{subject.label} = {name}" for name in problem.outputs]


@dataclass(frozen=True)
class Decisions:
    """The class that a classifier gives, or a number that a regression does not move far from.

    Attributes
    ----------
    problem : Problem
    tolerance : float or None
        Of a regression, by how much an answer may move and still count as the same.
    """

    problem: Problem
    tolerance: float | None

    @classmethod
    def of(cls, problem: Problem, spreads: float) -> Decisions:
        """Return the decisions of a problem.

        Parameters
        ----------
        problem : Problem
        spreads : float
            The tolerance of a regression, in standard deviations of the background's answers.
        """
        if problem.subject.task != REGRESSION:
            return cls(problem, None)
        return cls(problem, spreads * float(problem.background.scores[:, 0].std()))

    def classes(self, values: np.ndarray) -> np.ndarray:
        """Return the index [n] of the class for answers [n, outputs] of a classifier."""
        if self.problem.subject.task != BINARY:
            found: np.ndarray = values.argmax(axis=1)
            return found
        half = 0.0 if self.problem.link == "log_odds" else 0.5
        # Of equal probabilities the first class wins, as everywhere.
        return np.asarray(values[:, 0] > half, np.int64)

    def same(self, values: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Return whether answers [n, outputs] mean the same as one answer [outputs]."""
        if self.tolerance is not None:
            return np.asarray(np.abs(values[:, 0] - own[0]) <= self.tolerance)
        return np.asarray(self.classes(values) == self.classes(own[None])[0])

    def missing_to(self, values: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Return by how much answers [n, outputs] still fall short of meaning another thing.

        Less than 0 only where they do: see `same`. For a classifier, the margin of the class of
        `own` over all others.
        """
        if self.tolerance is not None:
            return np.asarray(self.tolerance - np.abs(values[:, 0] - own[0]))
        place = int(self.classes(own[None])[0])
        if self.problem.subject.task == BINARY:
            half = 0.0 if self.problem.link == "log_odds" else 0.5
            return (values[:, 0] - half) * (1 if place else -1)
        others = np.delete(values, place, axis=1)
        return np.asarray(values[:, place] - others.max(axis=1))

    def name(self, own: np.ndarray) -> str:
        """Return what an answer [outputs] means, in words."""
        if self.tolerance is None:
            name = self.problem.subject.classes[int(self.classes(own[None])[0])]
            return f"{self.problem.subject.label} = {name}"
        value = number(float(own[0]))
        return f"{self.problem.subject.label} {value} ± {number(self.tolerance)}"
