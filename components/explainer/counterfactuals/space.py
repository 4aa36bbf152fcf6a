"""How far rows are from each other, and whether there are rows like one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.attacks.constraints import spread
from components.explainer.axes import Axis

#: Neighbours to which the mean distance is taken.
NEIGHBOURS = 5
#: Share of the background's rows that are closer to others than a plausible row must be.
ISOLATED = 0.95
#: Numbers that are held at once.
BLOCK = 5_000_000


class Space:
    """Distances in units of each feature, and the neighbours in the background.

    The distance of two rows is the sum over the numbers of their difference in median absolute
    deviations (Wachter, Mittelstadt and Russell 2017, section IV), plus 1 for each category that
    differs. Where the deviation is 0 the interquartile range, or the standard deviation, takes
    its place; a missing number is a category of its own.

    Parameters
    ----------
    axes : sequence of Axis
    usual : ndarray, shape [n, features]
        Coordinates of the background's rows.
    """

    def __init__(self, axes: Sequence[Axis], usual: np.ndarray) -> None:
        self.numeric = np.array([axis.numeric for axis in axes], bool)
        self.scale = np.array([_scale(axis) if axis.numeric else 1.0 for axis in axes])
        self._usual = usual
        self._own = np.sort(self._nearest(usual, itself=True))

    def distances(self, points: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return distances along the last axis, of arrays [..., features] of equal shape."""
        with np.errstate(invalid="ignore"):
            apart = np.abs(points - others) / self.scale
        differs = (points != others) & ~(np.isnan(points) & np.isnan(others))
        apart = np.where(self.numeric & np.isfinite(apart), apart, differs)
        found: np.ndarray = apart.sum(axis=-1)
        return found

    def isolation(self, points: np.ndarray) -> np.ndarray:
        """Return the share [m] of the background's rows that have nearer neighbours than points."""
        return np.searchsorted(self._own, self._nearest(points) - 1e-9) / len(self._own)

    def _nearest(self, points: np.ndarray, *, itself: bool = False) -> np.ndarray:
        """Return the mean distance to the nearest rows, without the row itself."""
        found = []
        block = max(1, BLOCK // max(self._usual.size, 1))
        for start in range(0, len(points), block):
            apart = self.distances(points[start : start + block, None], self._usual[None])
            first = int(itself and len(self._usual) > 1)
            count = min(NEIGHBOURS + first, len(self._usual))
            nearest = np.sort(np.partition(apart, count - 1, axis=1)[:, :count], axis=1)
            found.append(nearest[:, first:].mean(axis=1))
        return np.concatenate(found) if found else np.empty(0)


def _scale(axis: Axis) -> float:
    if not len(axis.known):
        return 1.0
    deviation = float(np.median(np.abs(axis.known - np.median(axis.known))))
    return deviation or spread(axis.known) or 1.0
