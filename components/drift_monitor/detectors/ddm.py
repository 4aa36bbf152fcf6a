"""DDM: statistical process control of the error rate."""

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
class DDM(Detector):
    """Drift Detection Method (Gama et al. 2004).

    After n rows with k errors the error rate is p = k/n and its deviation s = sqrt(p(1-p)/n). While
    a concept lasts p + s falls; (p_min, s_min) are their values where it was lowest. There is a
    warning where p + s > p_min + 2 s_min and an alarm where p + s > p_min + 3 s_min.

    It sees only a rise of the error rate. A change that leaves the rate as it is, such as one of
    the two kinds of errors becoming rarer and the other more frequent, is not seen; `LFR` sees it.

    Parameters
    ----------
    warm_start : int
        Rows after which the first warning, alarm or minimum is possible.
    warning_threshold, drift_threshold : float
        Deviations s_min above p_min.

    Notes
    -----
    As in river, and unlike in the paper, thresholds must be exceeded and not only reached.

    One difference from river: the minimum is taken only where s > 0. A stream that begins with
    `warm_start` rows without an error otherwise has p_min = s_min = 0, and its first error is an
    alarm however rare errors are.

    False alarms: of 100,000 rows with a steady error rate about 1 is an alarm at a rate of 0.1 and
    0.3 at 0.3 (`alarm_rate.false_alarms`). Successive tests are not independent, and most false
    alarms come soon after a window begins, so that the level of a single test says little.

    References
    ----------
    J. Gama, P. Medas, G. Castillo and P. Rodrigues, "Learning with drift detection", SBIA 2004.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> errors = random.random(2000) < np.repeat([0.1, 0.3], 1000)
    >>> found = DDM().update_many(errors)
    >>> found.drifts, found.change_points
    (array([  39,  263, 1150]), array([  36,  242, 1069]))
    """

    warm_start: int = 30
    warning_threshold: float = 2.0
    drift_threshold: float = 3.0

    INPUT: ClassVar[str] = "error"
    NAME: ClassVar[str] = "ddm"
    STATE: ClassVar[tuple[str, ...]] = ("_n", "_errors", "_p_min", "_s_min")

    def _check_parameters(self) -> None:
        check_whole(self.warm_start, "warm_start", 1)
        check_number(self.warning_threshold, "warning_threshold", 0)
        check_number(self.drift_threshold, "drift_threshold", 0)
        check(
            self.warning_threshold <= self.drift_threshold,
            "warning_threshold",
            f"at most drift_threshold, {self.drift_threshold:g}",
            self.warning_threshold,
        )

    def _forget(self) -> None:
        self._n = 0
        self._errors = 0
        self._p_min = math.inf
        self._s_min = math.inf

    def _update(self, x: int) -> None:
        self._n += 1
        self._errors += x
        if self._n <= self.warm_start:
            return
        p = self._errors / self._n
        s = math.sqrt(p * (1 - p) / self._n)
        if s > 0 and p + s <= self._p_min + self._s_min:
            self._p_min, self._s_min = p, s
        self.drift_detected = p + s > self._p_min + self.drift_threshold * self._s_min
        self.warning_detected = (
            not self.drift_detected and p + s > self._p_min + self.warning_threshold * self._s_min
        )

    def _scan(self, rows: NDArray[Any]) -> Scan:
        size = len(rows)
        n = np.arange(self._n + 1, self._n + size + 1, dtype=np.float64)
        errors = np.cumsum(rows, dtype=np.float64)
        errors += self._errors
        p = errors / n
        s = 1 - p
        s *= p
        s /= n
        np.sqrt(s, out=s)
        level = p + s
        skipped = max(0, min(size, self.warm_start - self._n))
        fitting = level
        # s is 0 only up to the first row that is unlike the ones before, or else nowhere.
        if skipped or not s[0]:
            fitting = np.where(s > 0, level, np.inf)
            fitting[:skipped] = np.inf
        at = minima(fitting, self._p_min + self._s_min)
        p_min, s_min = p[at], s[at]

        def above(deviations: float) -> NDArray[np.bool_]:
            before = self._p_min + deviations * self._s_min
            return level > hold(at, p_min + deviations * s_min, before, size)

        warnings = np.flatnonzero(above(self.warning_threshold))
        drift = None
        if len(warnings):
            drift = first(above(self.drift_threshold))
        taken = size if drift is None else drift + 1
        warnings = warnings[: np.searchsorted(warnings, taken - (drift is not None))]
        self._n += taken
        self._errors = int(errors[taken - 1])
        last = int(np.searchsorted(at, taken)) - 1
        if last >= 0:
            self._p_min, self._s_min = float(p_min[last]), float(s_min[last])
        self.drift_detected = drift is not None
        self.warning_detected = bool(len(warnings)) and int(warnings[-1]) == taken - 1
        return Scan(taken, drift is not None, warnings)
