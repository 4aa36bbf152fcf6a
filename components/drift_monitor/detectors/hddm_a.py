"""HDDM_A: Hoeffding's bound on the difference of two means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.detectors.base import Detector, Scan, check, check_number, first
from components.drift_monitor.detectors.running import hold, minima


@dataclass
class HDDMA(Detector):
    """Drift detection by Hoeffding's bounds, A-test (Frias-Blanco et al. 2015).

    The mean of all rows of the window is held against that of its first rows. They end at the cut
    where the mean plus its Hoeffding bound, sqrt(ln(1/d) / 2n), was lowest. There is an alarm where
    the mean of all n rows is above that of the first m by at least
    sqrt((n - m) / (m n) ln(2/d) / 2), which Hoeffding's inequality allows with a chance of d.

    Parameters
    ----------
    drift_confidence, warning_confidence : float
        The d of alarms and of warnings, 0 to 1.
    two_sided_test : bool
        Whether a fall is found too, by the mirror image of the rule.

    Notes
    -----
    The rule is river's. With the two-sided test a row may be a warning and an alarm.

    False alarms: of 100,000 rows with a steady error rate fewer than 0.1 are alarms at a rate of
    0.1, and about 1 at 0.3 (`alarm_rate.false_alarms`).

    References
    ----------
    I. Frias-Blanco, J. del Campo-Avila, G. Ramos-Jimenez, R. Morales-Bueno, A. Ortiz-Diaz and
    Y. Caballero-Mota, "Online and non-parametric drift detection methods based on Hoeffding's
    bounds", IEEE TKDE 27(3), 2015.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> errors = random.random(2000) < np.repeat([0.1, 0.3], 1000)
    >>> found = HDDMA().update_many(errors)
    >>> found.drifts, found.change_points
    (array([1167]), array([1007]))
    """

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    two_sided_test: bool = False

    INPUT: ClassVar[str] = "fraction"
    NAME: ClassVar[str] = "hddm_a"
    STATE: ClassVar[tuple[str, ...]] = ("_n", "_total", "_cuts")

    def _check_parameters(self) -> None:
        check_confidences(self.drift_confidence, self.warning_confidence)
        check_flag(self.two_sided_test, "two_sided_test")

    def _forget(self) -> None:
        self._n = 0
        self._total = 0.0
        #: For a rise, and if it is looked for a fall: rows before the cut, and their mean with
        #: the sign of the direction.
        self._cuts = [[0, 0.0] for _ in directions(self.two_sided_test)]

    @property
    def rows_since_change(self) -> int:
        """Rows since the cut."""
        for sign, (n, low) in zip(directions(self.two_sided_test), self._cuts, strict=True):
            if self._is_above(sign * self._total / max(self._n, 1), n, low, self.drift_confidence):
                return int(self._n - n)
        return 0

    def _bound(self, n: Any) -> Any:
        return np.sqrt(math.log(1 / self.drift_confidence) / (2 * n))

    def _is_above(self, mean: float, n: float, low: float, confidence: float) -> bool:
        if not 0 < n < self._n:
            return False
        size = (self._n - n) / n * (1 / self._n)
        return mean - low >= math.sqrt(size / 2 * math.log(2 / confidence))

    def _update(self, x: float) -> None:
        self._n += 1
        self._total += x
        self.drift_detected = self.warning_detected = False
        for cut, sign in zip(self._cuts, directions(self.two_sided_test), strict=True):
            mean = sign * self._total / self._n
            if not cut[0] or cut[1] + self._bound(cut[0]) >= mean + self._bound(self._n):
                cut[:] = self._n, mean
            n, low = cut
            if self._is_above(mean, n, low, self.drift_confidence):
                self.drift_detected = True
            elif self._is_above(mean, n, low, self.warning_confidence):
                self.warning_detected = True

    def _scan(self, rows: NDArray[Any]) -> Scan:
        rows = rows.astype(np.float64)
        n = np.arange(self._n + 1, self._n + len(rows) + 1, dtype=np.float64)
        total = np.cumsum(np.append(self._total, rows))[1:]
        bound = self._bound(n)
        drifts, warnings = np.zeros((2, len(rows)), np.bool_)
        cuts = []
        for (cut_n, low), sign in zip(self._cuts, directions(self.two_sided_test), strict=True):
            mean = sign * total / n
            before = low + self._bound(cut_n) if cut_n else math.inf
            at = minima(mean + bound, before)
            cuts.append((at, n[at], mean[at]))
            m = hold(at, n[at], max(cut_n, 1), len(n))
            rise = mean - hold(at, mean[at], low, len(n))
            size = (n - m) / m * (1 / n) / 2
            above = (rise >= np.sqrt(size * math.log(2 / self.drift_confidence))) & (m < n)
            drifts |= above
            warnings |= (
                ~above & (m < n) & (rise >= np.sqrt(size * math.log(2 / self.warning_confidence)))
            )
        drift = first(drifts)
        taken = len(rows) if drift is None else drift + 1
        self._n += taken
        self._total = float(total[taken - 1])
        for cut, (at, cut_ns, lows) in zip(self._cuts, cuts, strict=True):
            last = int(np.searchsorted(at, taken)) - 1
            if last >= 0:
                cut[:] = int(cut_ns[last]), float(lows[last])
        self.drift_detected = drift is not None
        self.warning_detected = bool(warnings[taken - 1])
        return Scan(taken, drift is not None, np.flatnonzero(warnings[:taken]))


def directions(two_sided: bool) -> tuple[int, ...]:
    """Return the sign of each direction in which a mean may go: a rise, and perhaps a fall."""
    return (1, -1) if two_sided else (1,)


def check_confidences(drift: object, warning: object) -> None:
    """Raise InputError unless the chances of false alarms and of false warnings are possible."""
    check_number(drift, "drift_confidence", 0, 1)
    check_number(warning, "warning_confidence", 0, 1)
    check(
        drift <= warning,  # type: ignore[operator]
        "warning_confidence",
        f"at least drift_confidence, {drift}",
        warning,
    )


def check_flag(value: object, setting: str) -> None:
    """Raise InputError unless a parameter is true or false."""
    check(isinstance(value, bool), setting, "true or false", value)
