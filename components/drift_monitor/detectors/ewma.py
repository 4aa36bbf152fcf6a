"""EWMA chart: an exponentially weighted mean within limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from components.drift_monitor.detectors.base import Scan, check, check_number
from components.drift_monitor.detectors.control_chart import ControlChart


@dataclass
class EWMA(ControlChart):
    """Chart of the exponentially weighted moving average (Roberts 1959) of any metric.

    With u the deviations from the target in units of the standard deviation, z = w u + (1-w) z,
    beginning at 0. After t rows the deviation of z is sqrt(w / (2-w) (1 - (1-w)^2t)); there is a
    warning or an alarm where z is more than so many of these from 0, on either side.

    Parameters
    ----------
    target, deviation, warm_start
        See `ControlChart`.
    weight : float
        The w, of the newest row, 0 to 1. The smaller, the smaller a lasting change that is found.
    warning_width, drift_width : float
        Deviations of z.

    Notes
    -----
    False alarms: of 100,000 independent normal rows about 5 are alarms where target and deviation
    are given, and about 7 where they are estimated (`alarm_rate.false_alarms`). Errors (0 or 1) are
    skewed, which brings more: about 50 at a rate of 0.1. The smaller the weight, the fewer.

    References
    ----------
    S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1, 1959.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> values = random.normal(np.repeat([0.0, 1.0], 500))
    >>> found = EWMA().update_many(values)
    >>> found.drifts, found.change_points
    (array([512]), array([508]))
    """

    weight: float = 0.1
    warning_width: float = 3.0
    drift_width: float = 4.0

    NAME: ClassVar[str] = "ewma"
    STATE: ClassVar[tuple[str, ...]] = ("_reference", "_scale", "_n", "_mean")

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number(self.weight, "weight", 0, 1)
        check_number(self.warning_width, "warning_width", 0)
        check_number(self.drift_width, "drift_width", 0)
        check(
            self.warning_width <= self.drift_width,
            "warning_width",
            f"at most drift_width, {self.drift_width:g}",
            self.warning_width,
        )

    def _forget_chart(self) -> None:
        self._n = 0
        self._mean = 0.0

    def _chart(self, x: float) -> None:
        keep = 1 - self.weight
        self._n += 1
        self._mean = self.weight * x + keep * self._mean
        scale = math.sqrt(self.weight / (2 - self.weight) * (1 - keep ** (2.0 * self._n)))
        self.drift_detected = abs(self._mean) > self.drift_width * scale
        self.warning_detected = (
            not self.drift_detected and abs(self._mean) > self.warning_width * scale
        )

    def _scan_chart(self, rows: NDArray[np.float64]) -> Scan:
        keep = 1 - self.weight
        mean, _ = lfilter([self.weight], [1.0, -keep], rows, zi=[keep * self._mean])
        n = np.arange(self._n + 1, self._n + len(rows) + 1)
        scale = np.sqrt(self.weight / (2 - self.weight) * (1 - keep ** (2.0 * n)))
        away = np.abs(mean)
        scan = self._conclude(away > self.drift_width * scale, away > self.warning_width * scale)
        self._n += scan.rows
        self._mean = float(mean[scan.rows - 1])
        return scan
