"""The search for the least changes of a row that flip what the model decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.deadline import Deadline
from components.explainer import axes
from components.explainer.axes import Axis
from components.explainer.counterfactuals.config import CounterfactualsConfig
from components.explainer.counterfactuals.space import ISOLATED, Space
from components.explainer.decisions import Decisions
from components.explainer.problem import Problem
from components.models.subject import Columns

#: Points with the same features changed that are brought nearer.
POINTS_OF_SET = 3


@dataclass(frozen=True)
class Found:
    """A way to flip a decision.

    Attributes
    ----------
    point : ndarray, shape [features]
        Coordinates.
    changed : tuple of int
        Places of the features that differ.
    distance : float
        See `components.explainer.counterfactuals.space.Space`.
    isolation : float
        Share of the background's rows that have nearer neighbours.
    plausible : bool
        Whether there are rows like it, or no fewer than like the explained one.
    values : ndarray, shape [outputs]
        What the model says of it.
    """

    point: np.ndarray
    changed: tuple[int, ...]
    distance: float
    isolation: float
    plausible: bool
    values: np.ndarray

    @property
    def cost(self) -> tuple[bool, float]:
        """What the best has least of: implausible ones last, then features and distance."""
        return (not self.plausible, len(self.changed) + self.distance)


class Search:
    """Looks for counterfactuals of rows.

    Parameters
    ----------
    problem : Problem
    given : sequence of Axis
    free : sequence of int
        Directions by feature: 1 or -1 for numbers that only rise or fall, 0 for what may
        change either way, None for what may not change.
    space : Space
    decisions : Decisions
    config : CounterfactualsConfig
    """

    def __init__(
        self,
        problem: Problem,
        given: Sequence[Axis],
        free: Sequence[int | None],
        space: Space,
        decisions: Decisions,
        config: CounterfactualsConfig,
    ) -> None:
        self.problem, self.features, self.free = problem, given, free
        self.space, self.decisions, self.config = space, decisions, config

    def of(
        self, own: Columns, origin: np.ndarray, said: np.ndarray, deadline: Deadline
    ) -> list[Found]:
        """Return ways to flip the decision on a row, the best first, each by other features.

        Sets of changed features grow by one at a time, from the sets whose best point is nearest
        to a flip. What is found is brought as near to the row as it stays a flip.

        Parameters
        ----------
        own : dict of str to ndarray, shape [1]
            The row.
        origin : ndarray, shape [features]
            Its coordinates.
        said : ndarray, shape [outputs]
            What the model says of it.
        deadline : Deadline
            After it, no larger sets are tried.
        """
        row = _Row(self, own, origin, said)
        frontier = origin[None]
        flips: list[np.ndarray] = []
        for _ in range(self.config.max_features):
            points = self._children(frontier, origin)
            if not len(points):
                break
            short = row.short(points)
            flips += self._best_of_sets(points[short < 0], origin)
            open_ = points[short >= 0]
            frontier = self._nearest_sets(open_, short[short >= 0], origin)
            sets = {tuple(np.flatnonzero(_changed(point, origin))) for point in flips}
            if len(sets) >= self.config.count or not len(frontier) or deadline.passed:
                break
        if not flips:
            return []
        points = row.nearer(np.array(flips))
        values = row.values(points)
        # Only what the served model itself decides otherwise counts.
        kept = self.decisions.missing_to(values, said) < 0
        return self._diverse(points[kept], values[kept], origin)

    def _children(self, points: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """Return the points with one more feature changed, each once."""
        found = []
        for place, (axis, direction) in enumerate(zip(self.features, self.free, strict=True)):
            if direction is None or np.isnan(origin[place]):
                continue
            tried = axis.grid(self.config.values)
            tried = tried[tried != origin[place]]
            if direction:
                tried = tried[(tried - origin[place]) * direction > 0]
            alike = points[points[:, place] == origin[place]]
            made = np.repeat(alike, len(tried), axis=0)
            made[:, place] = np.tile(tried, len(alike))
            found.append(made)
        if not found:
            return np.empty((0, len(origin)))
        return np.unique(np.concatenate(found), axis=0)

    def _best_of_sets(self, points: np.ndarray, origin: np.ndarray) -> list[np.ndarray]:
        """Return the nearest points of each set of changed features."""
        distances = self.space.distances(points, origin[None])
        kept: dict[tuple[int, ...], list[np.ndarray]] = {}
        for place in np.argsort(distances, kind="stable"):
            of_set = kept.setdefault(tuple(np.flatnonzero(_changed(points[place], origin))), [])
            if len(of_set) < POINTS_OF_SET:
                of_set.append(points[place])
        return [point for of_set in kept.values() for point in of_set]

    def _nearest_sets(
        self, points: np.ndarray, short: np.ndarray, origin: np.ndarray
    ) -> np.ndarray:
        """Return the point nearest to a flip of each of the best sets."""
        seen: dict[tuple[int, ...], np.ndarray] = {}
        for place in np.argsort(short, kind="stable"):
            seen.setdefault(tuple(np.flatnonzero(_changed(points[place], origin))), points[place])
            if len(seen) == self.config.beam:
                break
        return np.array(list(seen.values())).reshape(-1, len(origin))

    def _diverse(self, points: np.ndarray, values: np.ndarray, origin: np.ndarray) -> list[Found]:
        isolation = self.space.isolation(points)
        usual = max(ISOLATED, float(self.space.isolation(origin[None])[0]))
        distances = self.space.distances(points, origin[None])
        found = [
            Found(
                point,
                tuple(np.flatnonzero(_changed(point, origin)).tolist()),
                float(distance),
                float(alone),
                bool(alone <= usual),
                value,
            )
            for point, distance, alone, value in zip(
                points, distances, isolation, values, strict=True
            )
        ]
        chosen: list[Found] = []
        for each in sorted(found, key=lambda each: each.cost):
            # A set that holds another's features tells nothing new.
            if any(set(other.changed) <= set(each.changed) for other in chosen):
                continue
            chosen.append(each)
            if len(chosen) == self.config.count:
                break
        return chosen


class _Row:
    """Asks the model about points of one row."""

    def __init__(self, search: Search, own: Columns, origin: np.ndarray, said: np.ndarray) -> None:
        self._search, self._own, self._origin, self._said = search, own, origin, said

    def values(self, points: np.ndarray) -> np.ndarray:
        """Return what the model says of points, [m, outputs]."""
        asked = {name: np.repeat(values, len(points)) for name, values in self._own.items()}
        for place, axis in enumerate(self._search.features):
            moved = np.flatnonzero(_changed(points, self._origin)[:, place])
            for name, values in axis.decode(points[moved, place]).items():
                asked[name][moved] = values
        return axes.values_of(self._search.problem, asked)

    def short(self, points: np.ndarray) -> np.ndarray:
        """Return by how much points [m] fall short of a flip; less than 0 is one."""
        return self._search.decisions.missing_to(self.values(points), self._said)

    def nearer(self, points: np.ndarray) -> np.ndarray:
        """Return flips with as little change as is still a flip."""
        points = points.copy()
        # First whole features: once a number is as near as it can be, nothing else can go.
        for place in range(points.shape[1]):
            self._accept(points, place, np.full(len(points), self._origin[place]))
        for place, axis in enumerate(self._search.features):
            if axis.numeric and _changed(points, self._origin)[:, place].any():
                self._bisect(points, place, axis.distinct)
        return np.unique(points, axis=0)

    def _bisect(self, points: np.ndarray, place: int, known: np.ndarray) -> None:
        """Bring one number as near to the row's as observed values allow, in place."""
        own = self._origin[place]
        moved = _changed(points, self._origin)[:, place]
        far = np.searchsorted(known, points[:, place]).clip(max=len(known) - 1)
        rising = points[:, place] > own
        # The nearest observed value on the way, and that at which the flip is.
        near = np.where(
            rising, np.searchsorted(known, own, "right"), np.searchsorted(known, own, "left") - 1
        ).clip(0, len(known) - 1)
        for _ in range(int(np.ceil(np.log2(len(known) + 1))) + 1):
            between = moved & (near != far)
            if not between.any():
                return
            middle = np.where(rising, (near + far) // 2, -((-near - far) // 2))
            tried = np.where(between, known[middle], np.nan)
            accepted = self._accept(points, place, tried)
            step = np.where(rising, 1, -1)
            far = np.where(between & accepted, middle, far)
            near = np.where(between & ~accepted, middle + step, near)
            near = np.where(rising, np.minimum(near, far), np.maximum(near, far))

    def _accept(self, points: np.ndarray, place: int, values: np.ndarray) -> np.ndarray:
        """Put values into one coordinate where that is still a flip; return where it is."""
        accepted = np.zeros(len(points), bool)
        tried = np.flatnonzero(~np.isnan(values) & (points[:, place] != values))
        if not len(tried):
            return accepted
        trial = points[tried]
        trial[:, place] = values[tried]
        accepted[tried] = self.short(trial) < 0
        points[accepted, place] = values[accepted]
        return accepted


def _changed(points: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Return which coordinates of points [..., features] differ from those of a row."""
    found: np.ndarray = (points != origin) & ~np.isnan(origin)
    return found
