"""Sobol's indices: what part of the predictions' variance is due to each column.

Columns vary independently, each as often as its values come. First-order indices are estimated as
Saltelli et al. (2010, "Variance based sensitivity analysis of model output", table 2, b), total
indices as Jansen (1999; table 2, f there), over a scrambled Sobol sequence (Owen 1998). Of several
outputs the variances are summed up before they are divided (Lamboni, Monod and Makowski 2011).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

#: Resamples of the bootstrap, and the share of them that an interval holds.
RESAMPLES, INTERVAL = 500, 0.95
#: Relative error of float32 values.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Indices:
    """The indices of each column.

    Attributes
    ----------
    first, total : ndarray, shape [d]
        First-order: the part of the variance that would vanish, in the mean, if the column were
        known. Total: the part that would remain if all others were; more by the interactions. Both
        are 0 to 1, up to the error of the estimate; NaN without any variance.
    first_interval, total_interval : ndarray, shape [d, 2]
        Bootstrap intervals of 95 %.
    variance : float
        Of the function, of several outputs summed up.
    """

    first: np.ndarray
    total: np.ndarray
    first_interval: np.ndarray
    total_interval: np.ndarray
    variance: float


def indices(
    function: Callable[[np.ndarray], np.ndarray], columns: int, samples: int, seed: int
) -> Indices:
    """Estimate the indices of a function of independent uniform columns.

    Parameters
    ----------
    function : callable
        From places [m, d] between 0 and 1 to values [m] or [m, k].
    columns : int
        d. The function is asked for (d + 2) `samples` rows.
    samples : int
        A power of two.
    seed : int
        Of the sequence's scrambling, and of the bootstrap.

    Examples
    --------
    >>> found = indices(lambda u: u[:, 0] + 2 * u[:, 1], 2, 1024, 1)
    >>> found.first.round(2), found.total.round(2)
    (array([0.2, 0.8]), array([0.2, 0.8]))
    """
    both = qmc.Sobol(2 * columns, seed=seed).random(samples)
    a, b = both[:, :columns], both[:, columns:]
    f_a, f_b = _values(function(a)), _values(function(b))
    crossed = []
    for index in range(columns):
        mixed = a.copy()
        mixed[:, index] = b[:, index]
        crossed.append(_values(function(mixed)))
    return estimate(f_a, f_b, np.stack(crossed), seed)


def estimate(f_a: np.ndarray, f_b: np.ndarray, f_ab: np.ndarray, seed: int) -> Indices:
    """Estimate the indices from a function's values.

    Parameters
    ----------
    f_a, f_b : ndarray, shape [n, k]
        On two independent samples.
    f_ab : ndarray, shape [d, n, k]
        On the first with one column of the second.
    seed : int
        Of the bootstrap.
    """
    n = len(f_a)
    # The mean is no part of the variance, but of the first estimator's error.
    mean = (f_a.mean(axis=0) + f_b.mean(axis=0)) / 2
    f_a, f_b, f_ab = f_a - mean, f_b - mean, f_ab - mean
    first = (f_b * (f_ab - f_a)).sum(axis=-1)
    total = ((f_ab - f_a) ** 2).sum(axis=-1) / 2
    squares = (f_a**2 + f_b**2).sum(axis=-1) / 2
    sums = (f_a + f_b) / 2

    def weighted(weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the variance, and both indices [2, d], of weighted rows."""
        variance = float(weights @ squares - ((weights @ sums) ** 2).sum())
        parts = np.stack([first @ weights, total @ weights])
        with np.errstate(divide="ignore", invalid="ignore"):
            return variance, parts / variance

    even = np.full(n, 1 / n)
    variance, whole = weighted(even)
    # Rounding of float32 is no variance.
    if not variance > ROUNDING**2 * float((mean**2).sum()):
        nothing = np.full(len(first), np.nan)
        unknown = np.stack([nothing, nothing], axis=1)
        return Indices(nothing, nothing, unknown, unknown, max(variance, 0.0))
    random = np.random.default_rng(seed)
    drawn = np.stack([weighted(random.multinomial(n, even) / n)[1] for _ in range(RESAMPLES)])
    intervals = np.quantile(drawn, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
    return Indices(whole[0], whole[1], intervals[:, 0].T, intervals[:, 1].T, variance)


def _values(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    return values[:, None] if values.ndim == 1 else values
