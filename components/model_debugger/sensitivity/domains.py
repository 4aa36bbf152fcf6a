"""What values a raw column takes, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: Quantiles between which a column is moved: beyond are single far values.
LOW, HIGH = 0.01, 0.99
#: Part of the standard deviation that a value is moved by.
STEP = 0.1


@dataclass(frozen=True)
class Domain:
    """The distribution of one column.

    Attributes
    ----------
    name : str
    values : ndarray, shape [n]
        Float64 with NaN for missing values, or text with "" for them.
    """

    name: str
    values: np.ndarray

    @property
    def numeric(self) -> bool:
        """Whether values are numbers."""
        return self.values.dtype != object

    @cached_property
    def is_missing(self) -> np.ndarray:
        """Which rows have no value, [n]."""
        found: np.ndarray = np.isnan(self.values) if self.numeric else self.values == ""
        return found

    @cached_property
    def known(self) -> np.ndarray:
        """Numbers by rising value, or texts by falling frequency, each as often as it comes."""
        known = self.values[~self.is_missing]
        found: np.ndarray
        if self.numeric:
            found = np.sort(known)
            return found
        texts, codes, counts = np.unique(known.astype(str), return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        ranks = np.empty(len(order), int)
        ranks[order] = np.arange(len(order))
        found = texts[order].astype(object)[np.sort(ranks[codes])]
        return found

    @cached_property
    def distinct(self) -> np.ndarray:
        """Each known value once, in the order of `known`."""
        if self.numeric:
            return np.unique(self.known)
        return np.array(list(dict.fromkeys(self.known)), object)

    @cached_property
    def integral(self) -> bool:
        """Whether all numbers are whole."""
        return self.numeric and bool((self.known == np.round(self.known)).all())

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the numbers, without the farthest."""
        if not self.numeric or not len(self.known):
            return 0.0
        return float(np.clip(self.known, *np.quantile(self.known, [LOW, HIGH])).std())

    @cached_property
    def step(self) -> float:
        """What a number is moved by: `STEP` of the spread, in one digit; whole for whole ones."""
        if self.spread == 0:
            return 0.0
        size = STEP * self.spread
        digit = 10.0 ** np.floor(np.log10(size))
        rounded = float(f"{round(size / digit) * digit:.0e}")
        return max(1.0, round(rounded)) if self.integral else rounded

    @property
    def nothing(self) -> float | str:
        """A missing value."""
        return np.nan if self.numeric else ""

    def steps(self, count: int) -> np.ndarray:
        """Return at most so many values over the range: quantiles, or the most frequent texts."""
        if not len(self.known):
            return self.known
        if not self.numeric:
            return self.distinct[:count]
        if len(self.distinct) <= count:
            return self.distinct
        places = np.linspace(LOW, HIGH, count)
        return np.unique(np.quantile(self.known, places, method="inverted_cdf"))

    def drawn(self, uniform: np.ndarray) -> np.ndarray:
        """Return values at these places of the distribution: missing ones first, then `known`.

        Parameters
        ----------
        uniform : ndarray, shape [m]
            From 0, including, to 1, excluding.
        """
        missing = int(self.is_missing.sum())
        place = np.floor(uniform * len(self.values)).astype(int) - missing
        found = np.full(len(uniform), self.nothing, object if not self.numeric else np.float64)
        own = place >= 0
        found[own] = self.known[place[own]]
        return found

    def moved(self, by: np.ndarray | float) -> np.ndarray:
        """Return the numbers with something added, whole if they are, within their range."""
        moved = self.values + by
        if self.integral:
            moved = np.round(moved)
        if len(self.known):
            moved = np.clip(moved, self.known[0], self.known[-1])
        return moved
