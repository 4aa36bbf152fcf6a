"""Does a residual tell something of the next ones? Tests of many series at once.

The test of Durbin and Watson (1950), and that of Ljung and Box (1978); both also with the variance
of Taylor (1984, "Estimating the variances of autocorrelations calculated from financial time
series"), which does not take a variance that changes in time for an autocorrelation.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, stats

from components.model_debugger.residuals.result import Result


def correlations(residuals: np.ndarray, lags: int) -> np.ndarray:
    """Return the autocorrelations at lags from 1 on, [..., lags].

    Parameters
    ----------
    residuals : ndarray, shape [..., n]
        In order; their mean is taken away. All equal ones have correlations of 0.
    lags : int
        Less than n.

    Examples
    --------
    >>> correlations(np.array([1.0, -1.0, 1.0, -1.0]), 2)
    array([-0.75,  0.5 ])
    """
    return _ratio(_products(_centred(residuals), lags), (_centred(residuals) ** 2).sum(axis=-1))


def errors(residuals: np.ndarray, lags: int) -> np.ndarray:
    """Return the standard errors of `correlations`, whatever the variance of each row."""
    centred = _centred(residuals)
    squares = np.maximum(_products(centred**2, lags), 0.0)
    return _ratio(np.sqrt(squares), (centred**2).sum(axis=-1))


def durbin_watson(residuals: np.ndarray, *, robust: bool = False) -> Result:
    """Test whether neighbours are alike, or unlike.

    Parameters
    ----------
    residuals : ndarray, shape [..., n]
        In order, of rows that the model was not fitted to; their mean is taken away. n is at
        least 3.
    robust : bool
        Whether the variance may change from row to row.

    Returns
    -------
    Result
        The squared steps over the squares: 2 where neighbours have nothing to do with each other,
        less where they are alike. The p value is two-sided and normal.

    Notes
    -----
    Of rows that a model was not fitted to, only the mean is estimated. The statistic then is von
    Neumann's ratio (1941), of expectation 2 and variance 4 (n - 2) / ((n - 1) (n + 1)). It is
    twice 1 less the first autocorrelation, up to its ends: `robust` takes the error of that.
    """
    n = residuals.shape[-1]
    centred = _centred(residuals)
    steps = (np.diff(centred, axis=-1) ** 2).sum(axis=-1)
    total = (centred**2).sum(axis=-1)
    statistic = np.divide(steps, total, out=np.full_like(total, 2.0), where=total > 0)
    if robust:
        normal = _normal(residuals, 1)[..., 0]
    else:
        normal = (statistic - 2) / np.sqrt(4 * (n - 2) / ((n - 1) * (n + 1)))
    return Result(statistic, np.asarray(2 * stats.norm.sf(np.abs(normal))), 0)


def ljung_box(residuals: np.ndarray, lags: int, *, robust: bool = False) -> Result:
    """Test all autocorrelations up to a lag together.

    Parameters
    ----------
    residuals : ndarray, shape [..., n]
        In order.
    lags : int
        Less than n.
    robust : bool
        Whether the variance may change from row to row.
    """
    n = residuals.shape[-1]
    if robust:
        statistic = (_normal(residuals, lags) ** 2).sum(axis=-1)
    else:
        squares = correlations(residuals, lags) ** 2 / (n - np.arange(1, lags + 1))
        statistic = n * (n + 2) * squares.sum(axis=-1)
    return Result(np.asarray(statistic), np.asarray(stats.chi2.sf(statistic, lags)), lags)


def _normal(residuals: np.ndarray, lags: int) -> np.ndarray:
    """Return autocorrelations in units of their errors, [..., lags]."""
    found, error = correlations(residuals, lags), errors(residuals, lags)
    normal: np.ndarray = np.divide(found, error, out=np.zeros_like(found), where=error > 0)
    return normal


def _centred(residuals: np.ndarray) -> np.ndarray:
    centred: np.ndarray = residuals - residuals.mean(axis=-1, keepdims=True)
    return centred


def _products(values: np.ndarray, lags: int) -> np.ndarray:
    """Return the sums of products of values at each lag, [..., lags]."""
    size = fft.next_fast_len(values.shape[-1] + lags, real=True)
    power = np.abs(fft.rfft(values, size, axis=-1)) ** 2
    products: np.ndarray = fft.irfft(power, size, axis=-1)[..., 1 : lags + 1]
    return products


def _ratio(values: np.ndarray, total: np.ndarray) -> np.ndarray:
    total = np.broadcast_to(np.expand_dims(total, -1), values.shape)
    found: np.ndarray = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return found
