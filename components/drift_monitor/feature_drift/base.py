"""The contract of all measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from components.drift_monitor.feature_drift.pair import Pair, exceedance


@dataclass(frozen=True)
class Comparison:
    """What a measure found.

    Attributes
    ----------
    statistic : float
    size : float
        How much it is apart from significance: not more for more rows.
    p_value : float
        Chance of such a statistic, or a greater one, without drift.
    """

    statistic: float
    size: float
    p_value: float


@dataclass(frozen=True)
class Measure:
    """How different a feature is.

    Attributes
    ----------
    name : str
    small : float
        Size from which on a difference counts by default.
    compare : callable
        `Pair` -> `Comparison`, or None if the pair has no values that it could compare.
    numeric_only : bool
    """

    name: str
    small: float
    compare: Callable[[Pair], Comparison | None]
    numeric_only: bool = False


def by_shuffling(
    statistic: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]], pair: Pair
) -> Comparison:
    """Compare counts by a statistic of them, whose p value is that of a permutation test.

    Parameters
    ----------
    statistic : callable
        Counts [..., k] of the reference and of current rows -> statistics [...].
    pair : Pair
    """
    observed = float(statistic(pair.reference, pair.current))
    return Comparison(observed, observed, exceedance(observed, statistic(*pair.null)))
