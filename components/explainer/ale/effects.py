"""Accumulated local effects of one number or category, and of two numbers.

Apley and Zhu, "Visualizing the Effects of Predictor Variables in Black Box Supervised Learning
Models" (2020): every row is moved within its own interval only, to where rows like it are.
"""

from __future__ import annotations

import numpy as np

from components.explainer import axes
from components.explainer.axes import Axis
from components.explainer.problem import Problem, stacked
from components.models.subject import Columns


class Local:
    """What moving rows from one point of a grid to the next does.

    Parameters
    ----------
    steps : ndarray of int, shape [m]
        The step from which point to the next, from 0.
    differences : ndarray, shape [m, outputs]
        What it does to the model's answer.
    rows : ndarray of int, shape [m]
        Place of the moved row.
    points : ndarray of int, shape [n]
        Of each row the step it lies within (numbers), or the point it is at (categories).
    count : int
        Points of the grid.
    numeric : bool
    """

    def __init__(
        self,
        steps: np.ndarray,
        differences: np.ndarray,
        rows: np.ndarray,
        points: np.ndarray,
        count: int,
        numeric: bool,
    ) -> None:
        self.steps, self.differences, self.rows = steps, differences, rows
        self.points, self.count, self.numeric = points, count, numeric

    def effect(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the accumulated effect at each point, centred over the rows, [count, outputs].

        Parameters
        ----------
        weights : ndarray, shape [n], optional
            How often each row counts.
        """
        if weights is None:
            weights = np.ones(len(self.points))
        own = weights[self.rows]
        sums = np.stack(
            [np.bincount(self.steps, own * each, self.count - 1) for each in self.differences.T],
            axis=1,
        )
        counts = np.bincount(self.steps, own, self.count - 1)[:, None]
        # A step without rows is flat.
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        found = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(means, axis=0)])
        return np.asarray(found - self.share(weights) @ found)

    def share(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the share of rows of each point; those within a step count half to its ends."""
        counts = np.bincount(self.points, weights, self.count)
        if self.numeric:
            counts = (counts + np.concatenate([[0.0], counts[:-1]])) / 2
        return np.asarray(counts / counts.sum())


def of_number(problem: Problem, columns: Columns, axis: Axis, edges: np.ndarray) -> Local:
    """Return the local effects of a number; all rows must have it.

    Parameters
    ----------
    problem : Problem
    columns : dict of str to ndarray, shape [n]
    axis : Axis
    edges : ndarray, shape [k]
        Rising; rows outside belong to the first and the last interval.
    """
    steps = _steps(axis.encode(columns), edges)
    low, high = _answers(
        problem, [axes.replaced(columns, axis, edges[steps + each]) for each in (0, 1)]
    )
    rows = np.arange(len(steps))
    return Local(steps, high - low, rows, steps, len(edges), True)


def of_category(problem: Problem, columns: Columns, axis: Axis, order: np.ndarray) -> Local:
    """Return the local effects of a category, whose values have an order.

    Parameters
    ----------
    problem : Problem
    columns : dict of str to ndarray, shape [n]
        Rows with one of these categories.
    axis : Axis
    order : ndarray of int, shape [k]
        Categories; each row is moved to that before and to that after its own.
    """
    place = np.empty(int(order.max()) + 1, np.int64)
    place[order] = np.arange(len(order))
    points = place[axis.encode(columns).astype(np.int64)]
    up, down = np.flatnonzero(points < len(order) - 1), np.flatnonzero(points > 0)
    own, after, before = _answers(
        problem,
        [
            columns,
            axes.replaced(axes.taken(columns, up), axis, order[points[up] + 1]),
            axes.replaced(axes.taken(columns, down), axis, order[points[down] - 1]),
        ],
    )
    return Local(
        np.concatenate([points[up], points[down] - 1]),
        np.concatenate([after - own[up], own[down] - before]),
        np.concatenate([up, down]),
        points,
        len(order),
        False,
    )


def of_pair(
    problem: Problem, columns: Columns, pair: tuple[Axis, Axis], edges: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what two numbers do together beyond what each does.

    Parameters
    ----------
    problem : Problem
    columns : dict of str to ndarray, shape [n]
        Rows that have both.
    pair : (Axis, Axis)
    edges : (ndarray [r], ndarray [c])

    Returns
    -------
    effect : ndarray, shape [r, c, outputs]
        Eq. 16 to 18, without the first order effects and centred over the rows. Cells without
        rows have the difference of the nearest one that has some.
    counts : ndarray, shape [r - 1, c - 1]
        Rows of each cell.
    """
    steps = [_steps(axis.encode(columns), each) for axis, each in zip(pair, edges, strict=True)]
    corners = []
    for first, second in ((1, 1), (0, 1), (1, 0), (0, 0)):
        moved = axes.replaced(columns, pair[0], edges[0][steps[0] + first])
        corners.append(axes.replaced(moved, pair[1], edges[1][steps[1] + second]))
    high, low_first, low_second, low = _answers(problem, corners)
    difference = high - low_first - low_second + low
    shape = len(edges[0]) - 1, len(edges[1]) - 1
    cells = np.ravel_multi_index((steps[0], steps[1]), shape)
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    means = (
        np.stack([np.bincount(cells, each, len(counts)) for each in difference.T], axis=1)
        / np.maximum(counts, 1)[:, None]
    )
    means[counts == 0] = means[_nearest_filled(counts.reshape(shape))]
    effect = np.zeros((shape[0] + 1, shape[1] + 1, difference.shape[1]))
    effect[1:, 1:] = means.reshape(*shape, -1).cumsum(axis=0).cumsum(axis=1)
    counts = counts.reshape(shape)
    effect = (
        effect
        - _first_order(effect, counts)
        - np.swapaxes(_first_order(np.swapaxes(effect, 0, 1), counts.T), 0, 1)
    )
    middles = (effect[1:, 1:] + effect[:-1, 1:] + effect[1:, :-1] + effect[:-1, :-1]) / 4
    return effect - np.tensordot(counts, middles, 2) / counts.sum(), counts


def _first_order(effect: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the effect of the first of two features within a joint one, [r, 1, outputs]."""
    steps = np.diff(effect, axis=0)
    steps = (steps[:, 1:] + steps[:, :-1]) / 2
    rows = counts.sum(axis=1)
    means = (steps * counts[..., None]).sum(axis=1) / np.maximum(rows, 1)[:, None]
    return np.concatenate([np.zeros((1, effect.shape[2])), means.cumsum(axis=0)])[:, None]


def _nearest_filled(counts: np.ndarray) -> np.ndarray:
    """Return for each cell without rows the place of the nearest with some, by grid steps."""
    places = np.stack(np.unravel_index(np.arange(counts.size), counts.shape), axis=1)
    scaled = places / np.array(counts.shape)
    filled = np.flatnonzero(counts.ravel())
    empty = np.flatnonzero(counts.ravel() == 0)
    distances = ((scaled[empty][:, None] - scaled[filled]) ** 2).sum(axis=2)
    return np.asarray(filled[distances.argmin(axis=1)])


def _steps(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the interval of each value; those on an edge belong below it."""
    return np.clip(np.searchsorted(edges, values, "left") - 1, 0, len(edges) - 2)


def _answers(problem: Problem, parts: list[Columns]) -> list[np.ndarray]:
    """Return what the model says of each part, asked at once."""
    sizes = [len(next(iter(part.values()))) for part in parts]
    return np.split(axes.values_of(problem, stacked(parts)), np.cumsum(sizes)[:-1])
