"""Linear Four Rates: sequential analysis of the rates of the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from components.drift_monitor.detectors.base import (
    Detector,
    Scan,
    check,
    check_number,
    check_whole,
    first,
)
from components.drift_monitor.detectors.four_rates_bounds import BEGIN, NEGLIGIBLE, Bounds, bounds
from components.drift_monitor.detectors.running import hold

#: The rates, in this order: of true positives, of true negatives, and the predictive values of
#: positive and of negative predictions.
RATES = ("TPR", "TNR", "PPV", "NPV")
WARNING, DRIFT = 1, 2


@dataclass
class LFR(Detector):
    """Linear Four Rates (Wang and Abraham 2015).

    A row is a pair: the binary label and its prediction. Each is a case of two of the four rates of
    the confusion matrix: TPR or TNR, by the label, and PPV or NPV, by the prediction. Of each rate
    it keeps the plain mean P, (1 + hits) / (2 + cases), and an exponentially weighted one,
    R = d R + (1-d) hit. While a concept lasts R is distributed about P as simulation tells: there
    is a warning or an alarm where R is outside of what it is with a chance of 1 - `warning_level`
    or 1 - `drift_level`. A change that leaves the error rate as it is still changes some of the
    rates.

    Parameters
    ----------
    time_decay : float
        The d, 0 to 1.
    warning_level, drift_level : float
        Chance that a rate is outside of its bounds by chance, on both sides together.
    warm_start : int
        Cases of a rate from which on it is looked at.
    samples : int
        Sequences of cases that are simulated for the bounds, at least 10 / `drift_level`.
    seed : int
        Of the simulation.

    Attributes
    ----------
    outside : dict of str to bool
        Which of the rates are outside of their bounds of warning.

    Notes
    -----
    It finds a rate that rises as well as one that falls. The bounds are simulated when a rate is
    first seen, which takes about 0.1 s for each of up to 100 rates; detectors with the same
    parameters share them. A rate that no row is a case of stays as it is, and so does its warning.

    False alarms: of 100,000 rows of steady rates (a tenth positive labels, TPR 0.75, TNR 0.95)
    about 7 are alarms (`alarm_rate.false_alarms`). `drift_level` is the chance at one row; each row
    is a case of two rates, and successive values of R are alike, so that what would be several
    alarms in a row is one.

    References
    ----------
    H. Wang and Z. Abraham, "Concept drift detection for streaming data", IJCNN 2015, Algorithm 1.

    Examples
    --------
    The rate of true positives falls while that of true negatives rises:

    >>> random = np.random.default_rng(1)
    >>> label = random.random(4000) < 0.2
    >>> tpr, tnr = np.repeat([0.75, 0.25], 2000), np.repeat([0.8, 0.925], 2000)
    >>> prediction = random.random(4000) < np.where(label, tpr, 1 - tnr)
    >>> found = LFR(samples=20_000, drift_level=0.001).update_many(np.stack([label, prediction], 1))
    >>> found.drifts
    array([2111, 2832])
    """

    time_decay: float = 0.9
    warning_level: float = 0.01
    drift_level: float = 0.0001
    warm_start: int = 30
    samples: int = 100_000
    seed: int = 0

    INPUT: ClassVar[str] = "pair"
    NAME: ClassVar[str] = "linear_four_rates"
    STATE: ClassVar[tuple[str, ...]] = ("_cases", "_hits", "_rates", "_outside")

    def _check_parameters(self) -> None:
        check_number(self.time_decay, "time_decay", 0, 1)
        check_number(self.warning_level, "warning_level", 0, 1)
        check_number(self.drift_level, "drift_level", 0, 1)
        check(
            self.drift_level <= self.warning_level,
            "drift_level",
            f"at most warning_level, {self.warning_level:g}",
            self.drift_level,
        )
        check_whole(self.warm_start, "warm_start", 1)
        # Fewer leave only a few simulated sequences outside of the bounds.
        check_whole(self.samples, "samples", round(10 / self.drift_level))
        check_whole(self.seed, "seed", 0)

    def _forget(self) -> None:
        self._cases = [0] * len(RATES)
        self._hits = [0] * len(RATES)
        self._rates = [BEGIN] * len(RATES)
        self._outside = [0] * len(RATES)

    @property
    def outside(self) -> dict[str, bool]:
        """Which of the rates are outside of their bounds of warning."""
        return {name: bool(code) for name, code in zip(RATES, self._outside, strict=True)}

    @property
    def _bounds(self) -> Bounds:
        levels = (self.warning_level, self.drift_level)
        return bounds(self.time_decay, levels, self.warm_start, self.samples, self.seed)

    def _codes(self, hits: Any, cases: Any, rates: Any) -> NDArray[np.int64]:
        """Return whether rates are within their bounds, 0, or call for a warning or an alarm."""
        hits, cases, rates = map(np.asarray, (hits, cases, rates))
        found = np.zeros(len(cases), np.int64)
        [at] = np.nonzero(cases >= self.warm_start)
        if len(at):
            chances = (1 + hits[at]) / (2 + cases[at])
            lower, upper = self._bounds.at(chances, cases[at])
            rate = rates[at, None]
            # Bounds are no more exact than this, and a long run of equal cases ends at one.
            found[at] = ((rate < lower - NEGLIGIBLE) | (rate > upper + NEGLIGIBLE)).sum(axis=1)
        return found

    def _update(self, x: Sequence[bool]) -> None:
        label, prediction = map(bool, x)
        hit = label == prediction
        seen = [0 if label else 1, 2 if prediction else 3]
        for rate in seen:
            self._cases[rate] += 1
            self._hits[rate] += hit
            self._rates[rate] = (1 - self.time_decay) * hit + self.time_decay * self._rates[rate]
        codes = self._codes(
            *([values[rate] for rate in seen] for values in (self._hits, self._cases, self._rates))
        )
        for rate, code in zip(seen, codes.tolist(), strict=True):
            self._outside[rate] = code
        self.drift_detected = max(self._outside) == DRIFT
        self.warning_detected = max(self._outside) == WARNING

    def _scan(self, rows: NDArray[Any]) -> Scan:
        label, prediction = rows.T
        hit = label == prediction
        size = len(rows)
        worst = np.zeros(size, np.int64)
        found = []
        for rate, chosen in enumerate((label, ~label, prediction, ~prediction)):
            at = np.flatnonzero(chosen)
            hits = hit[at].astype(np.float64)
            weighted, cases = hits, np.arange(1, len(at) + 1) + self._cases[rate]
            if len(at):
                weighted, _ = lfilter(
                    [1 - self.time_decay],
                    [1.0, -self.time_decay],
                    hits,
                    zi=[self.time_decay * self._rates[rate]],
                )
            hits = np.cumsum(hits) + self._hits[rate]
            codes = self._codes(hits, cases, weighted)
            np.maximum(worst, hold(at, codes, self._outside[rate], size), out=worst)
            found.append((at, hits, cases, weighted, codes))
        drift = first(worst == DRIFT)
        taken = size if drift is None else drift + 1
        for rate, (at, hits, cases, weighted, codes) in enumerate(found):
            last = int(np.searchsorted(at, taken)) - 1
            if last >= 0:
                self._hits[rate], self._cases[rate] = int(hits[last]), int(cases[last])
                self._rates[rate], self._outside[rate] = float(weighted[last]), int(codes[last])
        self.drift_detected = drift is not None
        self.warning_detected = bool(worst[taken - 1] == WARNING)
        return Scan(taken, drift is not None, np.flatnonzero(worst[:taken] == WARNING))
