"""What a model says where some features or pixels of rows are not there."""

from __future__ import annotations

import numpy as np

from components.explainer.problem import Problem
from components.models.metric_names import MULTICLASS
from components.models.subject import Columns

#: Rows of one question, and numbers of one question of images.
BATCH_ROWS, BATCH_VALUES = 65_536, 1 << 24


def outputs(problem: Problem, rows: np.ndarray) -> np.ndarray:
    """Return which output is looked at of each row: that of the predicted class, or the only."""
    scores = problem.subject.scores[rows]
    if problem.subject.task == MULTICLASS:
        predicted: np.ndarray = scores.argmax(axis=1)
        return predicted
    return np.zeros(len(rows), int)


class Rows:
    """Rows of a table, of which features take the values of background rows.

    Parameters
    ----------
    problem : Problem
    rows : ndarray of int, shape [r]
    background : int
        Rows of the background, over which the mean of the answers is taken.
    """

    def __init__(self, problem: Problem, rows: np.ndarray, background: int) -> None:
        self._problem = problem
        self._rows = problem.subject.take(rows).columns
        self._usual = problem.background.sample(background).columns
        self._outputs = outputs(problem, rows)
        self._feature = {
            column: place for place, group in enumerate(problem.groups.values()) for column in group
        }
        self.features = len(problem.groups)

    def __call__(self, there: np.ndarray) -> np.ndarray:
        """Return what the model says, [r, points], where features are there, [r, points, f]."""
        usual = len(next(iter(self._usual.values())))
        step = max(1, BATCH_ROWS // (there.shape[1] * usual))
        parts = [
            self._ask(slice(start, start + step), there[start : start + step])
            for start in range(0, len(there), step)
        ]
        return np.concatenate(parts)

    def _ask(self, rows: slice, there: np.ndarray) -> np.ndarray:
        columns: Columns = {}
        shape = (*there.shape[:2], len(next(iter(self._usual.values()))))
        for name, values in self._rows.items():
            own = np.broadcast_to(values[rows][:, None, None], shape)
            usual = np.broadcast_to(self._usual[name][None, None], shape)
            # A column of no feature stays as it is.
            place = self._feature.get(name)
            mixed = own if place is None else np.where(there[:, :, place, None], own, usual)
            columns[name] = mixed.reshape(-1)
        said = self._problem.values(columns).reshape(*shape, -1).mean(axis=2)
        found: np.ndarray = np.take_along_axis(said, self._outputs[rows, None, None], axis=2)
        return found[:, :, 0]


class Images:
    """Images, of which pixels take the mean of the background's.

    Parameters
    ----------
    problem : Problem
    rows : ndarray of int, shape [r]
    """

    def __init__(self, problem: Problem, rows: np.ndarray) -> None:
        subject, background = problem.subject, problem.background
        assert subject.images is not None
        assert background.images is not None
        self._problem = problem
        self._pixels = subject.images[rows].astype(np.float32)
        self._usual = background.images.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._outputs = outputs(problem, rows)
        self.features = self._usual[..., 0].size

    def __call__(self, there: np.ndarray) -> np.ndarray:
        """Return what the model says, [r, points], where pixels are there, [r, points, h * w]."""
        step = max(1, BATCH_VALUES // (there.shape[1] * self._usual.size))
        parts = []
        for start in range(0, len(there), step):
            rows = slice(start, start + step)
            mask = there[rows].reshape(*there[rows].shape[:2], *self._usual.shape[:2], 1)
            mixed = np.where(mask, self._pixels[rows][:, None], self._usual)
            said = self._problem.values_of_images(mixed.reshape(-1, *self._usual.shape))
            said = said.reshape(*mask.shape[:2], -1)
            taken = np.take_along_axis(said, self._outputs[rows, None, None], axis=2)
            parts.append(taken[:, :, 0])
        return np.concatenate(parts)
