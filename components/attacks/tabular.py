"""An attack on rows of raw columns that asks the served model for scores and nothing else.

Greedy coordinate search, with random restarts: each step tries every change that the rules allow
of one more column of every row, all of them in one batch, and keeps the one that lowers the margin
most. Where that ends without success, random points within the budget are drawn, and their
columns improved one after the other. What was found is then taken back as far as it goes. As no
gradient is needed, trees are attacked like networks.

An attack that finds nothing proves nothing: the shares of rows that withstand it are upper bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from components.attacks.constraints import Columns, Rules
from components.attacks.space import Space

#: Random points of a row in each restart, the best of which is improved.
STARTS = 8
#: Halvings of the way back of a number.
HALVINGS = 10
#: Rows that are put together before the model is asked.
CHUNK = 50_000


class Goal(Protocol):
    """What counts as success."""

    def margins(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return how far [m] each row is from it; less than 0 is success.

        Parameters
        ----------
        scores : ndarray, shape [m, k]
        rows : ndarray, shape [m]
            Place of each among the attacked rows.
        """
        ...


@dataclass(frozen=True)
class WrongClass:
    """Another class than the true one gets the greatest score.

    Attributes
    ----------
    labels : ndarray, shape [n]
        Index of the true class.
    """

    labels: np.ndarray

    def margins(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the true class's score less the greatest of the others."""
        labels, each = self.labels[rows], np.arange(len(rows))
        others = scores.copy()
        others[each, labels] = -np.inf
        margins = scores[each, labels] - others.max(axis=1)
        # Of equal scores the first class wins, as everywhere.
        lost = (margins == 0) & (scores.argmax(axis=1) != labels)
        return np.where(lost, -np.finfo(float).tiny, margins)


@dataclass(frozen=True)
class Moved:
    """The prediction moves by more than `change`, up or down.

    Attributes
    ----------
    values : ndarray, shape [n]
        Prediction for each row as it is.
    change : float
    """

    values: np.ndarray
    change: float

    def margins(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return how much of `change` is left."""
        return np.asarray(self.change - np.abs(scores[:, 0] - self.values[rows]))


@dataclass(frozen=True)
class Found:
    """What the attack made of rows.

    Attributes
    ----------
    eps : tuple of float
        Budgets that were done, rising.
    turned : ndarray of bool, shape [budgets, max_columns, n]
        Success within a budget, with at most 1, 2, ... columns changed.
    right : ndarray of bool, shape [n]
        Rows that were attacked: the others are a success as they are.
    columns : dict of str to ndarray, shape [n]
        The rows with the least change that was found; as they were where there is none.
    scores : ndarray, shape [n, k]
        Of these.
    distances : ndarray, shape [n]
        See `components.attacks.space.Space.distances`; infinite without success.
    changed : ndarray, shape [n]
        Number of changed columns.
    queries : int
        Rows that the model was asked about.
    """

    eps: tuple[float, ...]
    turned: np.ndarray
    right: np.ndarray
    columns: Columns
    scores: np.ndarray
    distances: np.ndarray
    changed: np.ndarray
    queries: int

    @property
    def found(self) -> np.ndarray:
        """Which rows [n] were right and have been turned within the largest budget."""
        return np.asarray(self.right & np.isfinite(self.distances))


def attack(
    predict: Callable[[Columns], np.ndarray],
    columns: Columns,
    goal: Goal,
    *,
    observed: Columns,
    rules: Rules,
    eps: Sequence[float],
    max_columns: int,
    choices: int = 20,
    restarts: int = 2,
    seed: int,
    ended: Callable[[], bool] = lambda: False,
) -> Found:
    """Attack all rows at once.

    Parameters
    ----------
    predict : callable
        Rows of raw columns to scores [n, k].
    columns : dict of str to ndarray, shape [n]
        The rows.
    goal : Goal
    observed : dict of str to ndarray
        Rows whose values and ranges are the known ones; `columns` are some of them.
    rules : Rules
    eps : sequence of float
        Budgets: the largest change of each number, in spreads of its column.
    max_columns : int
        Columns of a row that may change.
    choices : int
        Values of a text column that are tried, the most frequent.
    restarts : int
        Random restarts for each budget.
    seed : int
    ended : callable
        Whether the time is over: the budgets that are left are then left out.

    Returns
    -------
    Found
        Every row keeps to the rules; see `components.attacks.constraints.violations`.

    Raises
    ------
    InputError
        A rule does not suit its columns.
    """
    space = Space.of(observed, rules, choices)
    search = _Search(predict, space, columns, goal, seed)
    n, budgets = len(search.original), sorted(eps)
    start = search.margins(search.original, np.arange(n))
    right = start >= 0
    turned = np.zeros((len(budgets), max_columns, n), bool)
    best, known = search.original.copy(), np.zeros(n, bool)
    done = 0
    for index, budget in enumerate(budgets):
        if ended():
            break
        # With a smaller budget and one column there is nothing left to gain.
        rows = np.flatnonzero(right if index == 0 else right & ~turned[index - 1, 0])
        points, margins = search.original[rows], start[rows]
        for count in range(max_columns):
            free = ~space.differs(search.original[rows], points)
            search.improve(points, margins, rows, free, budget)
            turned[index, count, rows] = margins < 0
        _keep(best, known, points, rows, margins < 0)
        if index:
            turned[index] |= turned[index - 1]
        for _ in range(restarts):
            rows = np.flatnonzero(right & ~turned[index, -1])
            if ended() or not len(rows) or not space.variables:
                break
            points, margins = search.restart(rows, budget, max_columns)
            _keep(best, known, points, rows, margins < 0)
            turned[index, -1, rows] = margins < 0
        done = index + 1
    rows = np.flatnonzero(known)
    best[rows] = search.taken_back(best[rows], rows)
    scores = search.scores(best, np.arange(n))
    distances = np.where(known, space.distances(search.original, best), np.inf)
    return Found(
        eps=tuple(budgets[:done]),
        turned=turned[:done],
        right=right,
        columns=space.decode(best, columns),
        scores=scores,
        distances=np.where(right, distances, 0.0),
        changed=space.differs(search.original, best).sum(axis=1),
        queries=search.queries,
    )


def _keep(
    best: np.ndarray, known: np.ndarray, points: np.ndarray, rows: np.ndarray, success: np.ndarray
) -> None:
    """Keep the points with success of rows that have none yet, in place."""
    new = success & ~known[rows]
    best[rows[new]] = points[new]
    known[rows[new]] = True


class _Search:
    """Steps of many rows at once; `points` and `margins` are those of `rows`."""

    def __init__(
        self,
        predict: Callable[[Columns], np.ndarray],
        space: Space,
        columns: Columns,
        goal: Goal,
        seed: int,
    ) -> None:
        self.space, self.original = space, space.encode(columns)
        self.queries = 0
        self._predict, self._columns, self._goal = predict, columns, goal
        self._random = np.random.default_rng(seed)

    def scores(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        self.queries += len(rows)
        parts = []
        for start in range(0, max(len(rows), 1), CHUNK):
            part = slice(start, start + CHUNK)
            given = {name: values[rows[part]] for name, values in self._columns.items()}
            parts.append(self._predict(self.space.decode(points[part], given)))
        return np.concatenate(parts)

    def margins(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if not len(rows):
            return np.empty(0)
        return self._goal.margins(self.scores(points, rows), rows)

    def improve(
        self,
        points: np.ndarray,
        margins: np.ndarray,
        rows: np.ndarray,
        free: np.ndarray,
        eps: float,
    ) -> None:
        """Change that one of the free coordinates of each row that lowers its margin most."""
        owners, coordinates, values = [], [], []
        open_ = np.flatnonzero(margins >= 0)
        for index, variable in enumerate(self.space.variables):
            mine = open_[free[open_, index]]
            tried = variable.proposals(self.original[rows[mine], index], eps)
            place, option = np.nonzero(~np.isnan(tried))
            owners.append(mine[place])
            coordinates.append(np.full(len(place), index))
            values.append(tried[place, option])
        if not sum(map(len, owners)):
            return
        owner, coordinate, value = map(np.concatenate, (owners, coordinates, values))
        trial = points[owner]
        trial[np.arange(len(owner)), coordinate] = value
        found = self.margins(trial, rows[owner])
        order = np.lexsort((found, owner))
        first = order[np.unique(owner[order], return_index=True)[1]]
        better = first[found[first] < margins[owner[first]]]
        points[owner[better]] = trial[better]
        margins[owner[better]] = found[better]

    def restart(self, rows: np.ndarray, eps: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return points and margins of random starts that are improved."""
        owner = np.repeat(np.arange(len(rows)), STARTS)
        original = self.original[rows[owner]]
        points = original.copy()
        # The places of `count` coordinates, different ones, in each row.
        ranks = self._random.random(points.shape).argsort(axis=1).argsort(axis=1)
        chosen = ranks < count
        for index, variable in enumerate(self.space.variables):
            drawn = variable.random(original[:, index], eps, self._random)
            points[:, index] = np.where(
                chosen[:, index] & ~np.isnan(drawn), drawn, original[:, index]
            )
        found = self.margins(points, rows[owner]).reshape(len(rows), STARTS)
        best = found.argmin(axis=1) + STARTS * np.arange(len(rows))
        points, margins, chosen = points[best], found.min(axis=1), chosen[best]
        for _ in range(count):
            self.improve(points, margins, rows, chosen, eps)
        return points, margins

    def taken_back(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return successful points with as little change as is still a success."""
        points, original = points.copy(), self.original[rows]
        # First whole columns: once a number is as near as it can be, nothing else can go.
        for index in range(len(self.space.variables)):
            self._accept(points, rows, index, original[:, index])
        for index, variable in enumerate(self.space.variables):
            if not variable.numeric:
                continue
            near, changed = original[:, index].copy(), points[:, index] != original[:, index]
            for _ in range(HALVINGS):
                middle = variable.towards(near, points[:, index])
                untried = changed & (middle != near) & (middle != points[:, index])
                refused = ~self._accept(points, rows, index, np.where(untried, middle, np.nan))
                near = np.where(untried & refused, middle, near)
        return points

    def _accept(
        self, points: np.ndarray, rows: np.ndarray, index: int, values: np.ndarray
    ) -> np.ndarray:
        """Put values into one coordinate where that is still a success; return where it is."""
        accepted = np.zeros(len(points), bool)
        tried = np.flatnonzero(~np.isnan(values) & (points[:, index] != values))
        trial = points[tried]
        trial[:, index] = values[tried]
        accepted[tried] = self.margins(trial, rows[tried]) < 0
        points[accepted, index] = values[accepted]
        return accepted
