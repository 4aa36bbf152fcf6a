"""Page-Hinkley: the cumulated deviation from the mean against its extreme."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from components.drift_monitor.detectors.base import Detector, Scan, check, check_number, check_whole
from components.drift_monitor.detectors.running import CHUNK, chunk_extremes

MODES = ("up", "down", "both")
#: Up to which the inverse of the fading may grow in a block: rounding errors grow alike.
_LARGEST_INVERSE = 32.0


@dataclass
class PageHinkley(Detector):
    """Page-Hinkley test (Page 1954, Hinkley 1971) of a mean that rises or falls.

    The deviations of the rows from the mean so far, less `delta`, are added up with a forgetting
    factor. There is an alarm where the sum is above its minimum in the window by more than
    `threshold`; for a fall the deviations plus `delta` are added and held against the maximum.

    Parameters
    ----------
    min_instances : int
        Rows from which on an alarm is possible.
    delta : float
        Change of the mean that is tolerated, in the unit of the rows.
    threshold : float
        In the unit of the rows. The greater, the fewer false alarms and the later the right ones.
    alpha : float
        Forgetting factor, above 0 and at most 1.
    mode : {"both", "up", "down"}
        What is looked for.

    Notes
    -----
    The rule is river's. It knows no warnings. The extreme of the fading sum is a poor estimate of
    when the change came: in a long window it is often long before.

    False alarms: of 100,000 rows with a steady error rate about 3 are alarms at a rate of 0.1 and
    about 8 at 0.3 (`alarm_rate.false_alarms`). `threshold` has a unit, so that it must be chosen
    for other values than errors: its default is 50 errors.

    References
    ----------
    E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954.
    D. V. Hinkley, "Inference about the change-point from cumulative sum tests", Biometrika 58,
    1971.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> errors = random.random(2000) < np.repeat([0.1, 0.3], 1000)
    >>> found = PageHinkley().update_many(errors)
    >>> found.drifts, found.change_points
    (array([1347]), array([997]))
    """

    min_instances: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    alpha: float = 1 - 0.0001
    mode: str = "both"

    INPUT: ClassVar[str] = "value"
    NAME: ClassVar[str] = "page_hinkley"
    STATE: ClassVar[tuple[str, ...]] = (
        "_n",
        "_total",
        "_rise",
        "_fall",
        "_lowest",
        "_highest",
        "_lowest_at",
        "_highest_at",
    )
    FIRST_BLOCK: ClassVar[int] = 8192
    LARGEST_BLOCK: ClassVar[int] = 16384

    def _check_parameters(self) -> None:
        check_whole(self.min_instances, "min_instances", 1)
        check(
            _is_number(self.delta) and 0 <= self.delta < math.inf,
            "delta",
            "a number of at least 0",
            self.delta,
        )
        check_number(self.threshold, "threshold", 0)
        check(
            _is_number(self.alpha) and 0 < self.alpha <= 1,
            "alpha",
            "a number above 0 and at most 1",
            self.alpha,
        )
        check(self.mode in MODES, "mode", f"one of {', '.join(MODES)}", self.mode)

    def _forget(self) -> None:
        self._n = 0
        self._total = 0.0
        #: Cumulated deviations less, and plus, `delta`, their extremes and the rows of those.
        self._rise = 0.0
        self._fall = 0.0
        self._lowest = math.inf
        self._highest = -math.inf
        self._lowest_at = 0
        self._highest_at = 0

    @property
    def rows_since_change(self) -> int:
        """Rows since the extreme, which may lie long before the change."""
        if self.mode != "down" and self._rise - self._lowest > self.threshold:
            return self._n - self._lowest_at
        return self._n - self._highest_at

    def _update(self, x: float) -> None:
        self._n += 1
        self._total += x
        deviation = x - self._total / self._n
        self._rise = (deviation - self.delta) + self.alpha * self._rise
        self._fall = (deviation + self.delta) + self.alpha * self._fall
        if self._rise < self._lowest:
            self._lowest, self._lowest_at = self._rise, self._n
        if self._fall > self._highest:
            self._highest, self._highest_at = self._fall, self._n
        if self._n >= self.min_instances:
            self.drift_detected = (
                self.mode != "down" and self._rise - self._lowest > self.threshold
            ) or (self.mode != "up" and self._highest - self._fall > self.threshold)

    def _scan(self, rows: NDArray[Any]) -> Scan:
        rows = rows.astype(np.float64)
        size = len(rows)
        total = rows.copy()
        total[0] += self._total
        np.cumsum(total, out=total)
        deviation = total / np.arange(self._n + 1, self._n + size + 1, dtype=np.float64)
        np.subtract(rows, deviation, out=deviation)
        deviation -= self.delta
        rise = self._faded_sum(deviation)
        # The two sums differ by what is the same for all streams. The sum for a fall is turned
        # around, so that its maximum is a minimum too.
        fall = np.subtract(-self._gap(size), rise, out=deviation)
        skipped = max(0, min(size, self.min_instances - 1 - self._n))
        drift = size
        if self.mode != "down":
            drift = _first_above(rise, self._lowest, self.threshold, skipped)
        if self.mode != "up":
            down = _first_above(fall[: drift + 1], -self._highest, self.threshold, skipped)
            drift = min(drift, down) if down < len(fall[: drift + 1]) else drift
        taken = min(size, drift + 1)
        low = int(rise[:taken].argmin())
        if rise[low] < self._lowest:
            self._lowest, self._lowest_at = float(rise[low]), self._n + low + 1
        high = int(fall[:taken].argmin())
        if -fall[high] > self._highest:
            self._highest, self._highest_at = -float(fall[high]), self._n + high + 1
        self._n += taken
        self._total = float(total[taken - 1])
        self._rise = float(rise[taken - 1])
        self._fall = -float(fall[taken - 1])
        self.drift_detected = drift < size
        return Scan(taken, drift < size, np.empty(0, np.int64))

    def _faded_sum(self, deviation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum for a rise after each of some rows."""
        powers, inverse = _powers(self.alpha, self.LARGEST_BLOCK)
        size = len(deviation)
        if inverse[size - 1] > _LARGEST_INVERSE:
            rise, _ = lfilter([1.0], [1.0, -self.alpha], deviation, zi=[self.alpha * self._rise])
            return np.asarray(rise)
        # The k-th sum is a^k (s + x_1 a^-1 + ... + x_k a^-k), which is a third faster.
        rise = deviation * inverse[:size]
        rise[0] += self._rise
        np.cumsum(rise, out=rise)
        rise *= powers[:size]
        return rise

    def _gap(self, size: int) -> NDArray[np.float64]:
        """Return how much the sum for a fall will be above that for a rise."""
        now = self._fall - self._rise
        if self.alpha == 1:
            return np.asarray(now + 2 * self.delta * np.arange(1, size + 1), np.float64)
        limit = 2 * self.delta / (1 - self.alpha)
        found = (now - limit) * _powers(self.alpha, self.LARGEST_BLOCK)[0][:size]
        found += limit
        return found


def _first_above(values: NDArray[np.float64], lowest: float, threshold: float, skipped: int) -> int:
    """Return the first row, after some that are skipped, that is above the running minimum.

    Parameters
    ----------
    values : array [n]
    lowest : float
        Minimum of all before.
    threshold : float
        By more than which it is above.
    skipped : int

    Returns
    -------
    int
        n if there is none.
    """
    lowest_of_chunk, highest_of_chunk = chunk_extremes(values)
    below = np.minimum.accumulate(np.append(lowest, lowest_of_chunk))
    for chunk in np.flatnonzero(highest_of_chunk - below[1:] > threshold):
        part = values[chunk * CHUNK : (chunk + 1) * CHUNK]
        running = np.minimum(np.minimum.accumulate(part), below[chunk])
        above = np.flatnonzero(part - running > threshold) + chunk * CHUNK
        if len(above := above[above >= skipped]):
            return int(above[0])
    return len(values)


@lru_cache(maxsize=8)
def _powers(factor: float, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first, second, ... power of a factor, and of its inverse."""
    exponents = np.arange(1, size + 1, dtype=np.float64)
    with np.errstate(over="ignore"):
        powers: NDArray[np.float64] = factor**exponents
        inverse: NDArray[np.float64] = (1 / factor) ** exponents
    return powers, inverse


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
