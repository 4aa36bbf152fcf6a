"""Are residuals 0 in the mean, and do they rise or fall with a column? Many series at once."""

from __future__ import annotations

import numpy as np
from scipy import stats

from components.model_debugger.residuals.result import Result


def mean_test(residuals: np.ndarray) -> Result:
    """Test whether the mean of residuals is 0, by Student's t.

    Parameters
    ----------
    residuals : ndarray, shape [..., n]
        n is at least 2.

    Returns
    -------
    Result
        The mean in units of its error, which is all but normal. Equal residuals have an infinite
        one, or 0 if they are 0.
    """
    n = residuals.shape[-1]
    mean = residuals.mean(axis=-1)
    error = residuals.std(axis=-1, ddof=1) / np.sqrt(n)
    certain = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    statistic = np.divide(mean, error, out=certain, where=error > 0)
    return Result(np.asarray(statistic), np.asarray(2 * stats.t.sf(np.abs(statistic), n - 1)), 0)


def slope_test(residuals: np.ndarray, values: np.ndarray) -> Result:
    """Test whether the mean of residuals rises or falls with a column.

    Parameters
    ----------
    residuals : ndarray, shape [..., n]
    values : ndarray, shape [n]
        Of the column, or its ranks; not all equal.

    Returns
    -------
    Result
        A standard normal statistic, positive where residuals rise.

    Notes
    -----
    This is the score test of the slope with White's variance (1980): each row brings its own
    squared residual, so that unequal variances are no trend. A rank correlation of the residuals
    would find one where errors are skewed and their spread follows the column, though their mean
    is 0 everywhere.

    Examples
    --------
    >>> result = slope_test(np.array([-1.0, -1.0, 1.0, 1.0]), np.arange(4))
    >>> round(float(result.statistic), 4)
    1.7889
    """
    centred = values - values.mean()
    deviations = residuals - residuals.mean(axis=-1, keepdims=True)
    scale = np.sqrt(deviations**2 @ centred**2)
    sums = deviations @ centred
    statistic = np.divide(sums, scale, out=np.zeros_like(scale), where=scale > 0)
    return Result(np.asarray(statistic), np.asarray(2 * stats.norm.sf(np.abs(statistic))), 0)
