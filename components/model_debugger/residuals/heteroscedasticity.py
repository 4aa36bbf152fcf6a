"""Does the variance of residuals follow some columns? Tests of many series at once.

The test of Breusch and Pagan (1979) in the form of Koenker (1981), which does not need normal
errors; and White's (1980), which takes squares and products too. Labels of classes have a test of
their own: see `components.model_debugger.residuals.logistic`.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from components.model_debugger.residuals.result import Result


def koenker(residuals: np.ndarray, regressors: np.ndarray) -> Result:
    """Test the variance of residuals against columns.

    Parameters
    ----------
    residuals : ndarray, shape [..., n]
        Their own linear trend is taken away first: it is not a matter of the variance.
    regressors : ndarray, shape [n, k]
        Not all constant.

    Returns
    -------
    Result
        n R² of the squares of the residuals on the columns, and its chi-squared p value.
    """
    base = _basis(regressors)
    return _share_of_squares(_without(residuals, base), base)


def white(residuals: np.ndarray, regressors: np.ndarray) -> Result:
    """Test the variance against columns, their squares and their products: see `koenker`."""
    first, second = np.triu_indices(regressors.shape[1])
    products = regressors[:, first] * regressors[:, second]
    wide = _basis(np.column_stack([regressors, products]))
    return _share_of_squares(_without(residuals, _basis(regressors)), wide)


def _basis(regressors: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span a constant, which is first, and the regressors."""
    n = len(regressors)
    constant = np.full((n, 1), 1 / np.sqrt(n))
    centred = regressors - regressors.mean(axis=0)
    scale = np.linalg.norm(centred, axis=0)
    centred = centred[:, scale > 0] / scale[scale > 0]
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    kept = left[:, singular > singular.max(initial=0.0) * np.finfo(float).eps * n]
    return np.hstack([constant, kept])


def _without(residuals: np.ndarray, base: np.ndarray) -> np.ndarray:
    left: np.ndarray = residuals - (residuals @ base) @ base.T
    return left


def _share_of_squares(residuals: np.ndarray, base: np.ndarray) -> Result:
    squares = residuals**2
    deviations = squares - squares.mean(axis=-1, keepdims=True)
    total = (deviations**2).sum(axis=-1)
    explained = ((deviations @ base[:, 1:]) ** 2).sum(axis=-1)
    share = np.divide(explained, total, out=np.zeros_like(total), where=total > 0)
    return _chi_squared(len(base) * share, base.shape[1] - 1)


def _chi_squared(statistic: np.ndarray, degrees: int) -> Result:
    return Result(np.asarray(statistic), np.asarray(stats.chi2.sf(statistic, degrees)), degrees)
