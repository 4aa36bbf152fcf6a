"""Values of a feature put together to a few kinds, as rules and LIME speak of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.explainer.axes import MISSING, UNSEEN, Axis, amount
from components.models.subject import Columns


@dataclass(frozen=True)
class Intervals:
    """Intervals of a number between quantiles, one of them for missing ones; or categories.

    Attributes
    ----------
    axis : Axis
    edges : ndarray, shape [k]
        The inner ones, rising: a value on one belongs below it. Empty for categories.
    """

    axis: Axis
    edges: np.ndarray

    @classmethod
    def of(cls, axis: Axis, parts: int) -> Intervals:
        """Return those between quantiles of the background, at most so many.

        A number of few values has an interval for each.
        """
        if not axis.numeric or not len(axis.known):
            return cls(axis, np.empty(0))
        if len(axis.distinct) <= parts:
            return cls(axis, axis.distinct[:-1])
        inner = np.linspace(0, 1, parts + 1)[1:-1]
        edges = np.unique(np.quantile(axis.known, inner, method="inverted_cdf"))
        # Above the greatest value there is no interval.
        return cls(axis, edges[edges < axis.known[-1]])

    @property
    def missing(self) -> int:
        """Code of a missing number."""
        return len(self.edges) + 1

    def codes(self, columns: Columns) -> np.ndarray:
        """Return the interval or the category of each row, [n]; -1 for an unknown category."""
        return self.of_coordinates(self.axis.encode(columns))

    def of_coordinates(self, values: np.ndarray) -> np.ndarray:
        """Return the interval or the category of each coordinate, [n]."""
        if not self.axis.numeric:
            return values.astype(np.int64)
        return np.where(np.isnan(values), self.missing, np.searchsorted(self.edges, values, "left"))

    def text(self, code: int, columns: Columns | None = None) -> str:
        """Return a condition in words.

        Parameters
        ----------
        code : int
        columns : dict of str to ndarray, shape [1], optional
            The row, which tells an unknown category.
        """
        name = self.axis.name
        if not self.axis.numeric:
            if code == UNSEEN:
                values = [] if columns is None else [columns[each][0] for each in self.axis.columns]
                return f"{name} = {', '.join(str(value) or MISSING for value in values)}"
            return f"{name} = {self.axis.label(code)}"
        if code == self.missing:
            return f"{name} is missing"
        if not len(self.edges):
            return f"{name} has a value"
        if code == 0:
            return f"{name} ≤ {amount(self.edges[0])}"
        if code == len(self.edges):
            return f"{name} > {amount(self.edges[-1])}"
        low, high = self.edges[code - 1 : code + 1]
        return f"{amount(low)} < {name} ≤ {amount(high)}"
