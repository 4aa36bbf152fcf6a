"""HDDM_W: McDiarmid's bound on the difference of two weighted means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from components.drift_monitor.detectors.base import Detector, Scan, check_number, first
from components.drift_monitor.detectors.hddm_a import check_confidences, check_flag, directions
from components.drift_monitor.detectors.running import hold, minima


@dataclass
class HDDMW(Detector):
    """Drift detection by McDiarmid's bounds, W-test (Frias-Blanco et al. 2015).

    It compares two exponentially weighted means: that of the first rows of the window, and that of
    the rows since. The first rows end at the cut where their mean plus its bound was lowest. The
    bound of a mean is sqrt(v ln(1/d) / 2), where v is the sum of the squares of its weights; there
    is an alarm where the means differ by more than the bound of their difference, whose v is the
    sum of both. As old rows fade it reacts faster than `HDDMA`, above all to gradual changes that
    come late in a long window.

    Parameters
    ----------
    drift_confidence, warning_confidence : float
        The d of alarms and of warnings, 0 to 1.
    lambda_val : float
        Weight of the newest row, 0.00001 to 1.
    two_sided_test : bool
        Whether a fall is found too, by the mirror image of the rule.

    Notes
    -----
    The rule is river's, which takes the bound at the cut at `drift_confidence` for warnings too.
    With the two-sided test a row may be a warning and an alarm. The cut is where the fading mean
    was lowest, which in a long window is often long before the change.

    False alarms: of 100,000 rows with a steady error rate fewer than 0.1 are alarms at a rate of
    0.1, but about 40 at 0.3 (`alarm_rate.false_alarms`): the bound does not know the variance,
    which is twice as great there. For a model that errs often `drift_confidence` must be smaller.

    References
    ----------
    I. Frias-Blanco, J. del Campo-Avila, G. Ramos-Jimenez, R. Morales-Bueno, A. Ortiz-Diaz and
    Y. Caballero-Mota, "Online and non-parametric drift detection methods based on Hoeffding's
    bounds", IEEE TKDE 27(3), 2015.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> errors = random.random(2000) < np.repeat([0.1, 0.3], 1000)
    >>> found = HDDMW().update_many(errors)
    >>> found.drifts, found.change_points
    (array([1369]), array([701]))
    """

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    lambda_val: float = 0.05
    two_sided_test: bool = False

    INPUT: ClassVar[str] = "fraction"
    NAME: ClassVar[str] = "hddm_w"
    STATE: ClassVar[tuple[str, ...]] = ("_n", "_mean", "_cuts")

    def _check_parameters(self) -> None:
        check_confidences(self.drift_confidence, self.warning_confidence)
        check_number(self.lambda_val, "lambda_val", 1e-5, 1)
        check_flag(self.two_sided_test, "two_sided_test")

    def _forget(self) -> None:
        self._n = 0
        self._mean = 0.0
        #: In each direction, with its sign: rows before the cut, their mean, its upper bound; rows
        #: since, and their mean.
        self._cuts = [[0, 0.0, math.inf, 0, 0.0] for _ in directions(self.two_sided_test)]

    @property
    def rows_since_change(self) -> int:
        """Rows since the cut, which may lie long before the change: see the class."""
        for n, mean, _, recent, recent_mean in self._cuts:
            if self._is_above(n, mean, recent, recent_mean, self.drift_confidence):
                return int(recent)
        return 0

    def _bound(self, weights: Any, confidence: float) -> Any:
        return np.sqrt(weights * math.log(1 / confidence) / 2)

    def _squares(self, n: float) -> float:
        table = squares_of_weights(self.lambda_val)
        return float(table[min(int(n), len(table) - 1)])

    def _is_above(
        self, n: float, mean: float, recent: float, recent_mean: float, confidence: float
    ) -> bool:
        weights = self._squares(n) + self._squares(recent)
        return bool(n > 0 and recent > 0 and recent_mean - mean > self._bound(weights, confidence))

    def _faded(self, mean: float, n: float, x: float) -> float:
        return self.lambda_val * x + (1 - self.lambda_val) * mean if n else x

    def _update(self, x: float) -> None:
        self._mean = self._faded(self._mean, self._n, x)
        self._n += 1
        self.drift_detected = self.warning_detected = False
        for cut, sign in zip(self._cuts, directions(self.two_sided_test), strict=True):
            n, mean, lowest, recent, recent_mean = cut
            bound = self._bound(self._squares(self._n), self.drift_confidence)
            top = float(sign * self._mean + bound)
            if top < lowest:
                cut[:] = self._n, sign * self._mean, top, 0, 0.0
                continue
            cut[3:] = recent + 1, self._faded(recent_mean, recent, sign * x)
            if self._is_above(n, mean, cut[3], cut[4], self.drift_confidence):
                self.drift_detected = True
            elif self._is_above(n, mean, cut[3], cut[4], self.warning_confidence):
                self.warning_detected = True

    def _scan(self, rows: NDArray[Any]) -> Scan:
        rows = rows.astype(np.float64)
        keep = 1 - self.lambda_val
        size = len(rows)
        head = [] if self._n else [rows[0]]
        start = self._mean if self._n else rows[0]
        tail, _ = lfilter([self.lambda_val], [1.0, -keep], rows[len(head) :], zi=[keep * start])
        mean = np.concatenate((head, tail))
        table = squares_of_weights(self.lambda_val)
        place = np.arange(size)
        weights = table[np.minimum(place + (self._n + 1), len(table) - 1)]
        bound = self._bound(weights, self.drift_confidence)
        drifts, warnings = np.zeros((2, size), np.bool_)
        found = []
        for cut, sign in zip(self._cuts, directions(self.two_sided_test), strict=True):
            signed = sign * mean
            top = signed + bound
            at = minima(top, cut[2], strict=True)
            # The mean of the rows since a cut and that of all rows fade alike, so that their
            # difference shrinks by a constant factor a row from what it is at the first row since.
            since = place - hold(at, at, -1 - cut[3], size)
            follows = np.minimum(at + 1, size - 1)
            gap = signed[follows] - sign * rows[follows]
            earlier = (sign * self._mean - cut[4]) * keep if cut[3] else signed[0] - sign * rows[0]
            # `earlier` belongs to the first row of the block; held gaps to the row after the cut.
            steps = np.where(place < (at[0] if len(at) else size), place, since - 1)
            recent = signed - hold(at, gap, earlier, size) * keep**steps
            weights_now = (
                hold(at, weights[at], self._squares(cut[0]), size)
                + table[np.minimum(since, len(table) - 1)]
            )
            rise = recent - hold(at, signed[at], cut[1], size)
            counts = since > 0
            if not cut[0]:
                counts &= place >= (at[0] if len(at) else size)
            above = counts & (rise > self._bound(weights_now, self.drift_confidence))
            drifts |= above
            warnings |= counts & ~above & (rise > self._bound(weights_now, self.warning_confidence))
            found.append((at, signed, top, since, recent))
        drift = first(drifts)
        taken = size if drift is None else drift + 1
        for cut, (at, signed, top, since, recent) in zip(self._cuts, found, strict=True):
            last = int(np.searchsorted(at, taken)) - 1
            if last >= 0:
                cut[:3] = self._n + int(at[last]) + 1, float(signed[at[last]]), float(top[at[last]])
            n = int(since[taken - 1])
            cut[3:] = n, float(recent[taken - 1]) if n else 0.0
        self._n += taken
        self._mean = float(mean[taken - 1])
        self.drift_detected = drift is not None
        self.warning_detected = bool(warnings[taken - 1])
        return Scan(taken, drift is not None, np.flatnonzero(warnings[:taken]))


@lru_cache(maxsize=8)
def squares_of_weights(newest: float) -> NDArray[np.float64]:
    """Return the sum of the squares of an exponentially weighted mean's weights.

    As in the paper's code the first row counts as one that replaces a row of weight 1.

    Parameters
    ----------
    newest : float
        Weight of the newest row.

    Returns
    -------
    array [k]
        After 0, 1, ... rows, up to where it no longer changes.
    """
    found = [1.0]
    while True:
        following = newest * newest + (1 - newest) ** 2 * found[-1]
        if following == found[-1]:
            return np.array(found)
        found.append(following)
