"""A model's answers to changed rows, and how far two answers are apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.models.metric_names import BINARY, REGRESSION
from components.models.subject import Columns, Subject

#: Part of the spread of all predictions, from which the change of a value counts.
NOTABLE = 0.1
#: Outputs whose course is told, of more than two classes the most frequent.
MOST_OUTPUTS = 3


class Answers:
    """Asks a model for changed rows.

    Parameters
    ----------
    subject : Subject
        Its rows are those that are changed; it can predict.

    Attributes
    ----------
    scores : ndarray, shape [n, k]
        Of the rows as they are.
    outputs : dict of str to int
        Name and place of the outputs whose course is told: the value, the positive class, or the
        most frequent classes.
    spread : float
        Standard deviation of the values that a regression predicts; 1 for probabilities.
    """

    def __init__(self, subject: Subject) -> None:
        self._predict = subject.predict
        self.subject = subject
        self.regression = subject.task == REGRESSION
        self.scores = np.asarray(subject.scores, np.float64)
        if self.regression:
            self.outputs = {subject.label: 0}
        elif subject.task == BINARY:
            self.outputs = {subject.classes[-1]: self.scores.shape[1] - 1}
        else:
            counts = np.bincount(subject.labels.astype(int), minlength=len(subject.classes))
            order = np.argsort(-counts, kind="stable")[:MOST_OUTPUTS]
            self.outputs = {subject.classes[k]: int(k) for k in order}
        self.spread = float(self.scores.std()) if self.regression else 1.0

    @property
    def ordered(self) -> bool:
        """Whether there is one output, which rises or falls."""
        return len(self.outputs) == 1

    @property
    def output(self) -> int:
        """The place of the first output."""
        return next(iter(self.outputs.values()))

    def ask(self, columns: Columns) -> np.ndarray:
        """Return the scores [n, k] of rows."""
        assert self._predict is not None
        return np.asarray(self._predict(columns), np.float64)

    def with_column(self, name: str, variants: Sequence[np.ndarray | float | str]) -> np.ndarray:
        """Return the scores [variants, n, k] of the rows with other values in a column.

        Parameters
        ----------
        name : str
        variants : sequence
            An array [n], or one value for all rows.
        """
        columns, rows = self.subject.columns, len(self.subject)
        wide = {other: np.tile(values, len(variants)) for other, values in columns.items()}
        wide[name] = np.concatenate(
            [np.broadcast_to(np.asarray(v, columns[name].dtype), rows) for v in variants]
        )
        return self.ask(wide).reshape(len(variants), rows, -1)

    def distance(self, scores: np.ndarray) -> np.ndarray:
        """Return how far scores [..., n, k] are from those of the rows as they are, [..., n].

        Returns
        -------
        ndarray
            Of a regression the absolute difference; of a classification the total variation: half
            the sum of absolute differences, from 0 to 1.
        """
        difference = np.abs(scores - self.scores).sum(axis=-1)
        return np.asarray(difference if self.regression else difference / 2)

    def changed(self, scores: np.ndarray) -> np.ndarray:
        """Return whether the most probable class is another, or a value differs notably, [..., n].

        Notes
        -----
        A value differs notably from `NOTABLE` of the standard deviation of all predictions on.
        """
        if self.regression:
            return np.asarray(self.distance(scores) > NOTABLE * self.spread)
        return np.asarray(scores.argmax(axis=-1) != self.scores.argmax(axis=-1))
