"""Whether a concept stands out from random ones, among several concepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def p_value(statistic: float, of_random: Sequence[float]) -> float:
    """Return the share of sets, this one included, that are as far from the mean of all.

    If the set is itself random, no rank of it among all is likelier than another: the chance of a
    value of at most alpha is at most alpha, whatever the distribution.

    Examples
    --------
    >>> p_value(5.0, [-1.0, 0.0, 1.0]), p_value(0.0, [-1.0, 1.0, 2.0])
    (0.25, 1.0)
    """
    every = np.array([statistic, *of_random])
    distances = np.abs(every - every.mean())
    # Rounding must not set apart what is equally far.
    near = 1e-12 * (1 + distances.max())
    return float((distances >= distances[0] - near).mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for how many they are [Holm 1979].

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    count = len(p_values)
    order = sorted(range(count), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * count, 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (count - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
