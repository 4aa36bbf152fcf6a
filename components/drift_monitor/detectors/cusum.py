"""CUSUM chart: deviations from a target, added up as long as they last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.detectors.base import Scan, check, check_number
from components.drift_monitor.detectors.control_chart import ControlChart
from components.drift_monitor.detectors.running import minima


@dataclass
class CUSUM(ControlChart):
    """Tabular CUSUM chart (Page 1954) of any metric, for a rise and a fall.

    With u the deviations from the target in units of the standard deviation,
    S = max(0, S + u - slack), and the same with -u. There is a warning or an alarm where one of the
    two sums is above its threshold.

    Parameters
    ----------
    target, deviation, warm_start
        See `ControlChart`.
    slack : float
        Half of the change that should be found soonest, in standard deviations.
    warning_threshold, drift_threshold : float
        In standard deviations.

    Notes
    -----
    False alarms: of 100,000 independent normal rows about 11 are alarms where target and deviation
    are given, and about 12 where they are estimated (`alarm_rate.false_alarms`). Errors (0 or 1)
    are skewed, which brings more: about 100 at a rate of 0.1. A greater `drift_threshold` helps.

    References
    ----------
    E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> values = random.normal(np.repeat([0.0, 1.0], 500))
    >>> found = CUSUM().update_many(values)
    >>> found.drifts, found.change_points
    (array([512]), array([501]))
    """

    slack: float = 0.5
    warning_threshold: float = 5.0
    drift_threshold: float = 8.0

    NAME: ClassVar[str] = "cusum"
    STATE: ClassVar[tuple[str, ...]] = ("_reference", "_scale", "_n", "_sums")

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number(self.slack, "slack", 0)
        check_number(self.warning_threshold, "warning_threshold", 0)
        check_number(self.drift_threshold, "drift_threshold", 0)
        check(
            self.warning_threshold <= self.drift_threshold,
            "warning_threshold",
            f"at most drift_threshold, {self.drift_threshold:g}",
            self.warning_threshold,
        )

    def _forget_chart(self) -> None:
        self._n = 0
        #: For a rise and a fall the sum without a floor, its minimum, and the row of that: the sum
        #: with the floor 0 is the difference of the two.
        self._sums = [[0.0, 0.0, 0], [0.0, 0.0, 0]]

    @property
    def rows_since_change(self) -> int:
        """Rows since the greater sum was 0."""
        _, _, at = max(self._sums, key=lambda sums: sums[0] - sums[1])
        return int(self._n - at)

    def _chart(self, x: float) -> None:
        self._n += 1
        for sums, away in zip(self._sums, (x, -x), strict=True):
            sums[0] += away - self.slack
            if sums[0] <= sums[1]:
                sums[1:] = sums[0], self._n
        above = max(total - lowest for total, lowest, _ in self._sums)
        self.drift_detected = above > self.drift_threshold
        self.warning_detected = not self.drift_detected and above > self.warning_threshold

    def _scan_chart(self, rows: NDArray[np.float64]) -> Scan:
        found = []
        above = np.zeros(len(rows))
        for sums, away in zip(self._sums, (rows, -rows), strict=True):
            total = np.cumsum(np.append(sums[0], away - self.slack))[1:]
            at = minima(total, sums[1])
            lowest = np.minimum(np.minimum.accumulate(total), sums[1])
            np.maximum(above, total - lowest, out=above)
            found.append((total, at))
        scan = self._conclude(above > self.drift_threshold, above > self.warning_threshold)
        for sums, (total, at) in zip(self._sums, found, strict=True):
            sums[0] = float(total[scan.rows - 1])
            if len(at := at[at < scan.rows]):
                sums[1:] = float(total[at[-1]]), self._n + int(at[-1]) + 1
        self._n += scan.rows
        return scan
