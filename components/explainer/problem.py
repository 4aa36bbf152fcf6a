"""What is explained: a model as a function of what its users know, and the rows it is asked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.errors import InputError
from components.models import measuring
from components.models.metric_names import BINARY, REGRESSION
from components.models.subject import Columns, Subject
from components.models.transformed import IMAGE


@dataclass(frozen=True)
class Problem:
    """A model, the rows that are explained, and those that they are held against.

    Attributes
    ----------
    subject : Subject
        The model and the rows that are explained.
    background : Subject
        The same model and rows of the train split: what is usual.
    groups : dict of str to tuple of str
        Features by name, each of the raw columns that it is made of: by default of one, of
        several for those that are one thing, such as one-hot columns. Empty for images.
    link : {"probability", "log_odds"}
        Scale on which a classifier is explained.
    seed : int
    """

    subject: Subject
    background: Subject
    groups: dict[str, tuple[str, ...]]
    link: str
    seed: int

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what is explained by."""
        return tuple(self.groups)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what is explained: the positive class, every class of more, or the label."""
        subject = self.subject
        if subject.task == REGRESSION:
            return (subject.label,)
        return subject.classes[-1:] if subject.task == BINARY else subject.classes

    def values(self, columns: Columns) -> np.ndarray:
        """Return what the served model says of rows of raw columns, shape [n, outputs].

        Raises
        ------
        InputError
            The model returns something that is not a number.
        """
        assert self.subject.predict is not None
        return self.of_scores(self.subject.predict(columns))

    def values_of_images(self, images: np.ndarray) -> np.ndarray:
        """Return what the model says of images [n, h, w, c] of 0 to 255, shape [n, outputs]."""
        model = self.subject.model
        assert model is not None
        outputs = measuring.outputs(model, {IMAGE: images})
        return self.of_scores(measuring.scores(outputs, self.subject.task))

    def of_scores(self, scores: np.ndarray) -> np.ndarray:
        """Return what is explained of scores [n, k], shape [n, outputs]."""
        values = np.asarray(scores, np.float64)
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise InputError(
                f"The model returns no number for {len(bad):,} of {len(values):,} rows.",
                expected="finite scores",
                got=str(values[bad[0]].tolist()),
                remedy="Look at the Trainer's losses; the model cannot be explained.",
            )
        if self.subject.task == BINARY:
            values = values[:, -1:]
        if self.subject.task != REGRESSION and self.link == "log_odds":
            inside = np.clip(values, 1e-7, 1 - 1e-7)
            values = np.log(inside / (1 - inside))
        return values


def stacked(parts: Sequence[Columns]) -> Columns:
    """Return the rows of all parts, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
