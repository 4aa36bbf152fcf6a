"""p-chart: the share of failures in each group of trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
)


@dataclass
class PChart(Detector):
    """Shewhart's p-chart: the share of failures in groups of trials, such as spans of data.

    A row is a group: its failures and its trials, of which there may be other numbers in each. With
    p the share while all is well, there is a warning or an alarm where the share of a group of n is
    more than so many deviations sqrt(p(1-p)/n) from p, on either side.

    Parameters
    ----------
    target : float, optional
        The p, 0 to 1. Otherwise that of the first groups of each window, in which there is no
        warning or alarm.
    warm_start : int
        Number of these groups. As long as none of their trials is a failure, or each is, it takes
        more.
    warning_width, drift_width : float
        Deviations.

    Notes
    -----
    The limits are those of a normal distribution: of a rate times n below about 5 they are too
    narrow above.

    False alarms: of 100,000 groups of 500 trials at a rate of 0.1 about 230 are alarms where p is
    given, and about 290 where it is estimated. It is made for few groups; see
    `alarm_rate.false_alarms` for other widths.

    References
    ----------
    W. A. Shewhart, "Economic control of quality of manufactured product", 1931.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> trials = random.integers(400, 600, 60)
    >>> failures = random.binomial(trials, np.repeat([0.1, 0.16], 30))
    >>> found = PChart().update_many(np.stack([failures, trials], axis=1))
    >>> found.drifts
    array([30])
    """

    target: float | None = None
    warm_start: int = 20
    warning_width: float = 2.0
    drift_width: float = 3.0

    INPUT: ClassVar[str] = "count"
    NAME: ClassVar[str] = "p_chart"
    FIRST_BLOCK: ClassVar[int] = 1024
    STATE: ClassVar[tuple[str, ...]] = ("_groups", "_failures", "_trials", "_share")

    def _check_parameters(self) -> None:
        if self.target is not None:
            check_number(self.target, "target", 0, 1)
        check_whole(self.warm_start, "warm_start", 1)
        check_number(self.warning_width, "warning_width", 0)
        check_number(self.drift_width, "drift_width", 0)
        check(
            self.warning_width <= self.drift_width,
            "warning_width",
            f"at most drift_width, {self.drift_width:g}",
            self.warning_width,
        )

    def _forget(self) -> None:
        #: Of the groups that p is estimated from.
        self._groups = 0
        self._failures = 0
        self._trials = 0
        #: The p; 0 as long as it is not known.
        self._share = 0.0 if self.target is None else float(self.target)

    def _update(self, x: Sequence[float]) -> None:
        failures, trials = x
        if not self._share:
            self._refer(failures, trials)
            return
        scale = math.sqrt(self._share * (1 - self._share) / trials)
        away = abs(failures / trials - self._share)
        self.drift_detected = away > self.drift_width * scale
        self.warning_detected = not self.drift_detected and away > self.warning_width * scale

    def _refer(self, failures: float, trials: float) -> None:
        self._groups += 1
        self._failures += int(failures)
        self._trials += int(trials)
        if self._groups >= self.warm_start and 0 < self._failures < self._trials:
            self._share = self._failures / self._trials

    def _scan(self, rows: NDArray[Any]) -> Scan:
        if not self._share:
            taken = 0
            for failures, trials in rows[: max(64, self.warm_start - self._groups)].tolist():
                self._refer(failures, trials)
                taken += 1
                if self._share:
                    break
            return Scan(taken, False, np.empty(0, np.int64))
        failures, trials = rows.T.astype(np.float64)
        scale = np.sqrt(self._share * (1 - self._share) / trials)
        away = np.abs(failures / trials - self._share)
        return self._conclude(away > self.drift_width * scale, away > self.warning_width * scale)
