"""What the pictures of residuals show, as plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from components.model_debugger.residuals import autocorrelation, values
from components.model_debugger.residuals.against import Against
from components.model_debugger.residuals.values import Series

#: Points of a picture, at most.
POINTS, QUANTILES = 500, 60
#: Standard errors of a 95 % interval.
ERRORS = 1.96


def groups(series: Series, other: Against) -> list[dict[str, Any]]:
    """Return the residuals of each group: what the picture of a column shows.

    Returns
    -------
    list of dict
        ``name``, ``middle`` (None of a category), ``rows``, ``mean`` residual with the half width
        ``error`` of its 95 % interval, and ``spread``: the standard deviation of a regression; of
        a class the root of the mean squared Pearson residual, which is 1 if all is right.
    """
    found = []
    for index, (name, middle) in enumerate(zip(other.names, other.middles, strict=True)):
        own = other.groups == index
        raw = series.raw[own]
        if series.variances is None:
            spread = float(raw.std(ddof=1))
            error = spread / np.sqrt(len(raw))
        else:
            spread = float(np.sqrt((series.values[own] ** 2).mean()))
            error = np.sqrt(series.variances[own].sum()) / len(raw)
        found.append(
            {
                "name": name,
                "middle": middle,
                "rows": len(raw),
                "mean": float(raw.mean()),
                "error": float(ERRORS * error),
                "spread": spread,
            }
        )
    return found


def points(series: Series, other: Against, seed: int) -> list[list[float]]:
    """Return values and residuals of some rows of a regression, drawn by the seed."""
    if series.variances is not None or not other.numeric:
        return []
    known = np.flatnonzero(~np.isnan(other.values))
    if len(known) > POINTS:
        known = np.random.default_rng(seed).choice(known, POINTS, replace=False)
    found: list[list[float]] = np.stack([other.values[known], series.raw[known]], axis=1).tolist()
    return found


def correlogram(raw: np.ndarray, lags: int) -> list[dict[str, float]]:
    """Return the autocorrelation at each ``lag``, and the half width ``error`` of its band.

    Parameters
    ----------
    raw : ndarray, shape [n]
        Residuals in the order of time.
    lags : int
    """
    found = autocorrelation.correlations(raw, lags)
    errors = ERRORS * autocorrelation.errors(raw, lags)
    return [
        {"lag": lag + 1, "value": float(value), "error": float(error)}
        for lag, (value, error) in enumerate(zip(found, errors, strict=True))
    ]


def quantiles(series: Series, seed: int) -> list[list[float]]:
    """Return quantiles of the normal distribution, and those of the residuals.

    Notes
    -----
    Residuals of a regression are in units of their standard deviation, from their mean. Those of
    a class are randomised quantile residuals, which are normal if all probabilities are right.
    """
    if series.variances is None:
        spread = series.raw.std()
        if spread == 0:
            return []
        residuals = (series.raw - series.raw.mean()) / spread
    else:
        residuals = values.quantile_residuals(series, seed)
    count = min(len(residuals), QUANTILES)
    # More of them at the ends, where distributions differ.
    ends = stats.norm.ppf(0.5 / len(residuals))
    normal = np.linspace(ends, -ends, count)
    found = np.quantile(residuals, stats.norm.cdf(normal))
    pairs: list[list[float]] = np.stack([normal, found], axis=1).tolist()
    return pairs
