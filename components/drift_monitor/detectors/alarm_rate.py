"""How often a detector gives an alarm without a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.detectors.base import Detector

#: Rows that rates of alarms are stated for.
PER_ROWS = 100_000


@dataclass(frozen=True)
class AlarmRate:
    """False alarms on simulated streams without a change.

    Attributes
    ----------
    per_100_000 : float
        Alarms of 100,000 rows.
    standard_error : float
        Of `per_100_000`, from the spread between streams.
    """

    per_100_000: float
    standard_error: float


def false_alarms(
    detector: Detector,
    stream: Callable[[np.random.Generator, int], NDArray[Any]],
    *,
    streams: int = 20,
    rows: int = PER_ROWS,
    seed: int = 0,
) -> AlarmRate:
    """Return how often a detector gives an alarm on streams without a change.

    Parameters
    ----------
    detector : Detector
        Only its parameters matter; its state is neither used nor changed.
    stream : callable
        Given a generator of random numbers and n it returns n rows: `errors`, `normal`, `pairs` or
        `groups`, or rows like those of the own stream, such as rows drawn from it anew.
    streams : int
        How many are simulated, at least 2.
    rows : int
        Length of each. All are one after another from a new detector on, so that a length like
        that of the own stream is best.
    seed : int

    Examples
    --------
    >>> from components.drift_monitor.detectors.hddm_w import HDDMW
    >>> false_alarms(HDDMW(drift_confidence=1e-5), errors(0.1), streams=5).per_100_000 < 5
    True
    """
    counts = []
    for child in np.random.SeedSequence(seed).spawn(streams):
        new = type(detector).make(detector.parameters)
        counts.append(len(new.update_many(stream(np.random.default_rng(child), rows)).drifts))
    scale = PER_ROWS / rows
    return AlarmRate(
        per_100_000=float(np.mean(counts)) * scale,
        standard_error=float(np.std(counts, ddof=1) / np.sqrt(streams)) * scale,
    )


def errors(rate: float) -> Callable[[np.random.Generator, int], NDArray[Any]]:
    """Return a stream of independent errors."""
    return lambda random, rows: random.random(rows) < rate


def normal(random: np.random.Generator, rows: int) -> NDArray[Any]:
    """Return independent standard normal rows."""
    return random.normal(size=rows)


def pairs(
    positive: float, tpr: float, tnr: float
) -> Callable[[np.random.Generator, int], NDArray[Any]]:
    """Return a stream of labels and predictions, given the share of positive labels and rates."""

    def stream(random: np.random.Generator, rows: int) -> NDArray[Any]:
        label = random.random(rows) < positive
        prediction = random.random(rows) < np.where(label, tpr, 1 - tnr)
        return np.stack([label, prediction], axis=1)

    return stream


def groups(rate: float, trials: int) -> Callable[[np.random.Generator, int], NDArray[Any]]:
    """Return a stream of failures in groups of equal size."""
    return lambda random, rows: np.stack(
        [random.binomial(trials, rate, rows), np.full(rows, trials)], axis=1
    )
