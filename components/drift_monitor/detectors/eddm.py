"""EDDM: statistical process control of the distance between errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.detectors.base import (
    Detector,
    Scan,
    check,
    check_number,
    check_whole,
    first,
)
from components.drift_monitor.detectors.running import hold, minima


@dataclass
class EDDM(Detector):
    """Early Drift Detection Method (Baena-Garcia et al. 2006).

    It follows the distances, in rows, from one error to the next: their mean d and their deviation
    s. While a concept lasts d + 2 s grows; it is held against its maximum in the window. There is a
    warning where the ratio is below `alpha` and an alarm where it is below `beta`. Both are looked
    at only at errors, and a warning lasts until an error shows that it is over.

    Parameters
    ----------
    warm_start : int
        Rows after which the first maximum is taken, and errors after which the first warning or
        alarm is possible.
    alpha, beta : float
        Ratios, 0 to 1.

    Notes
    -----
    The rule is river's, whose deviation is that of a sample (divided by m - 1) and which flags a
    warning beside the alarm if there was one at the error before.

    False alarms: of 100,000 rows with a steady error rate about 25 are alarms at a rate of 0.1 or
    0.3 (`alarm_rate.false_alarms`). It is the most nervous of the detectors: what it is held
    against is the maximum of a noisy sequence. With the ratios 0.8 and 0.75 it is about 1.

    References
    ----------
    M. Baena-Garcia, J. del Campo-Avila, R. Fidalgo, A. Bifet, R. Gavalda and R. Morales-Bueno,
    "Early drift detection method", IWKDDS 2006.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> errors = random.random(2000) < np.repeat([0.1, 0.3], 1000)
    >>> found = EDDM(alpha=0.8, beta=0.75).update_many(errors)
    >>> found.drifts, found.change_points
    (array([ 298, 1072]), array([ 298, 1022]))
    """

    warm_start: int = 30
    alpha: float = 0.95
    beta: float = 0.9

    INPUT: ClassVar[str] = "error"
    NAME: ClassVar[str] = "eddm"
    STATE: ClassVar[tuple[str, ...]] = ("_n", "_errors", "_last", "_squares", "_highest")
    # Most rows are no errors and cost next to nothing.
    FIRST_BLOCK: ClassVar[int] = 6144
    LARGEST_BLOCK: ClassVar[int] = 131072

    def _check_parameters(self) -> None:
        check_whole(self.warm_start, "warm_start", 1)
        check_number(self.alpha, "alpha", 0, 1)
        check_number(self.beta, "beta", 0, 1)
        check(self.beta <= self.alpha, "beta", f"at most alpha, {self.alpha:g}", self.beta)

    def _forget(self) -> None:
        self._n = 0
        self._errors = 0
        #: Row of the last error, from 1, which is also the sum of the distances.
        self._last = 0
        #: Sum of the squares of the distances.
        self._squares = 0.0
        #: Maximum of the mean plus two deviations.
        self._highest = -1.0

    def _update(self, x: int) -> None:
        self._n += 1
        if not x:
            return
        self._errors += 1
        self._squares += float(self._n - self._last) ** 2
        self._last = self._n
        if self._n <= self.warm_start:
            return
        m, total = float(self._errors), float(self._last)
        variance = (m * self._squares - total * total) / (m * (m - 1)) if m > 1 else 0.0
        level = total / m + 2 * math.sqrt(max(variance, 0.0))
        if level > self._highest:
            self._highest = level
        elif self._errors > self.warm_start:
            ratio = level / self._highest
            if ratio < self.beta:
                self.drift_detected = True
            else:
                self.warning_detected = ratio < self.alpha

    def _scan(self, rows: NDArray[Any]) -> Scan:
        [at] = rows.nonzero()
        size = len(rows)
        # Where a ratio is looked at: its row and whether it is a warning. Before, all is as it was.
        tested, is_warning, drift = at[:0], np.empty(0, np.bool_), None
        if len(at):
            place = at + float(self._n + 1)
            squares = np.empty(len(at) + 1)
            squares[0] = self._squares
            np.subtract(place[1:], place[:-1], out=squares[2:])
            squares[1] = place[0] - self._last
            squares[1:] *= squares[1:]
            squares = np.cumsum(squares, out=squares)[1:]
            m = np.arange(self._errors + 1, self._errors + len(at) + 1, dtype=np.float64)
            level = m * squares
            level -= place * place
            divisor = m - 1
            divisor *= m
            if not self._errors:
                divisor[0] = 1.0
            level /= divisor
            np.maximum(level, 0.0, out=level)
            np.sqrt(level, out=level)
            level *= 2
            level += place / m
            early = int(np.searchsorted(place, self.warm_start, side="right"))
            lowered = np.negative(level, out=divisor)
            lowered[:early] = np.inf
            new = minima(lowered, -self._highest, strict=True)
            # A new maximum has the ratio 1 and is no test.
            ratio = np.divide(level, hold(new, level[new], self._highest, len(at)), out=m)
            begin = max(early, min(len(at), self.warm_start - self._errors))
            drift = first(ratio[begin:] < self.beta)
            end = len(at) if drift is None else begin + drift
            is_warning = ratio[begin:end] < self.alpha
            if self.warning_detected or is_warning.any():
                is_tested = np.ones(end, np.bool_)
                is_tested[:begin] = False
                is_tested[new[: new.searchsorted(end)]] = False
                [tested] = is_tested[begin:].nonzero()
                tested, is_warning = at[tested + begin], is_warning[tested]
            else:
                is_warning = is_warning[:0]
            last = len(at) - 1 if drift is None else end
            self._errors += last + 1
            self._last = int(place[last])
            self._squares = float(squares[last])
            if len(kept := new[: np.searchsorted(new, last, side="right")]):
                self._highest = float(level[kept[-1]])
            if drift is not None:
                size = int(at[last]) + 1
        warnings = tested[:0]
        if self.warning_detected or len(is_warning):
            [warnings] = hold(tested, is_warning, self.warning_detected, size).nonzero()
        self._n += size
        self.drift_detected = drift is not None
        if len(is_warning):
            self.warning_detected = bool(is_warning[-1])
        return Scan(size, drift is not None, warnings)
