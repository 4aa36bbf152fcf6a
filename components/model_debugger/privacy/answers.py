"""What a model says of rows, as the adversarial-robustness-toolbox asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.models.metric_names import REGRESSION
from components.models.subject import Subject

#: Least probability in a logarithm.
TINY = 1e-12


@dataclass(frozen=True)
class Answers:
    """Scores and labels of rows.

    The toolbox casts all that it is given as rows to float32, and knows no text: it is given
    their places instead, at which `lookup` finds the model's answer.

    Attributes
    ----------
    scores : ndarray, shape [n, k]
        Probabilities, or values [n, 1].
    labels : ndarray, shape [n]
        Index of the class, or the number.
    regression : bool
    """

    scores: np.ndarray
    labels: np.ndarray
    regression: bool

    @classmethod
    def of(cls, subject: Subject) -> Answers:
        """Return a model's answers on its rows."""
        return cls(subject.scores, subject.labels, subject.task == REGRESSION)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def places(self) -> np.ndarray:
        """The rows [n, 1], as the toolbox is given them."""
        return np.arange(len(self), dtype=np.float32)[:, None]

    def lookup(self, places: np.ndarray) -> np.ndarray:
        """Return the scores [m, k] at some places [m, 1]."""
        return self.scores[places[:, 0].astype(np.int64)]

    @property
    def one_hot(self) -> np.ndarray:
        """Labels [n, k] of a classification."""
        return np.eye(self.scores.shape[1])[self.labels.astype(np.int64)]

    @property
    def targets(self) -> np.ndarray:
        """Labels as the toolbox takes them: [n, k], or [n, 1] of a regression."""
        return self.labels.astype(np.float64)[:, None] if self.regression else self.one_hot

    @property
    def losses(self) -> np.ndarray:
        """Squared error or log loss [n]."""
        if self.regression:
            return np.asarray((self.scores[:, 0] - self.labels) ** 2)
        chosen = self.scores[np.arange(len(self)), self.labels.astype(np.int64)]
        return np.asarray(-np.log(np.maximum(chosen, TINY)))

    def halves(self, random: np.random.Generator) -> tuple[Answers, Answers]:
        """Return two random halves."""
        order = random.permutation(len(self))
        middle = len(self) // 2
        first, second = (
            Answers(self.scores[part], self.labels[part], self.regression)
            for part in (order[:middle], order[middle:])
        )
        return first, second
