"""What control charts of a metric have in common: the reference that values are held against."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.detectors.base import Detector, Scan, check, check_number, check_whole


@dataclass
class ControlChart(Detector):
    """A chart of values in units of their deviation from a target.

    Target and deviation are given, or estimated from the first rows of each window, in which there
    is no warning or alarm.

    Parameters
    ----------
    target : float, optional
        Mean while all is well.
    deviation : float, optional
        Standard deviation while all is well. Both must be given, or neither.
    warm_start : int
        Rows from which they are otherwise estimated, at least 2. While all rows so far are equal it
        takes more.
    """

    target: float | None = None
    deviation: float | None = None
    warm_start: int = 100

    INPUT: ClassVar[str] = "value"
    FIRST_BLOCK: ClassVar[int] = 1024

    def _check_parameters(self) -> None:
        check_whole(self.warm_start, "warm_start", 2)
        check(
            (self.target is None) == (self.deviation is None),
            "deviation",
            "a number if target is given, and otherwise nothing",
            self.deviation,
        )
        if self.target is not None:
            check_number(self.target, "target", -math.inf)
            check_number(self.deviation, "deviation", 0)

    def _forget(self) -> None:
        #: Rows of the reference, the first, and the sums of their differences from it.
        self._reference = [0, 0.0, 0.0, 0.0]
        #: Target, deviation: none as long as the deviation is 0.
        self._scale = [0.0, 0.0]
        if self.target is not None and self.deviation is not None:
            self._scale = [float(self.target), float(self.deviation)]
        self._forget_chart()

    def _update(self, x: float) -> None:
        if self._scale[1]:
            self._chart((x - self._scale[0]) / self._scale[1])
        else:
            self._refer(x)

    def _refer(self, x: float) -> None:
        rows, begin, total, squares = self._reference
        if not rows:
            begin = x
        rows, total, squares = rows + 1, total + (x - begin), squares + (x - begin) ** 2
        self._reference = [rows, begin, total, squares]
        if rows >= self.warm_start:
            variance = (squares - total * total / rows) / (rows - 1)
            if variance > 0:
                self._scale = [begin + total / rows, math.sqrt(variance)]

    def _scan(self, rows: NDArray[Any]) -> Scan:
        if self._scale[1]:
            return self._scan_chart((rows - self._scale[0]) / self._scale[1])
        taken = 0
        for x in rows[: max(64, self.warm_start - self._reference[0])].tolist():
            self._refer(float(x))
            taken += 1
            if self._scale[1]:
                break
        return Scan(taken, False, np.empty(0, np.int64))

    @abstractmethod
    def _forget_chart(self) -> None:
        """Set the state of the chart to that before the first row."""

    @abstractmethod
    def _chart(self, x: float) -> None:
        """Take in a deviation from the target, in units of the standard deviation."""

    @abstractmethod
    def _scan_chart(self, rows: NDArray[np.float64]) -> Scan:
        """Take in such deviations, array [n], up to the first alarm."""
