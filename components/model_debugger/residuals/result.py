"""What a statistical test says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Result:
    """The outcome of one test, or of the same test on many series.

    Attributes
    ----------
    statistic : ndarray, shape [...]
    p_value : ndarray, shape [...]
        Probability of a statistic as extreme if there is nothing to find.
    degrees : int
        Degrees of freedom; 0 for a normal statistic.
    """

    statistic: np.ndarray
    p_value: np.ndarray
    degrees: int
