"""Are probabilities right, whatever a column is? Tests that know the variance of each residual.

A label of 0 or 1 less its probability p has the mean 0 and the variance p(1 - p) if the
probability is right; Pearson's residual has the variance 1. Tests of regressions would have to
estimate what is known here, and take the variance that follows from p for a finding.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from components.model_debugger.residuals.result import Result

#: Greatest sum of third absolute moments, over the 1.5th power of the variance, at which the
#: statistic still counts as normal (Lyapunov's condition).
MOST_LYAPUNOV = 0.4


def score_test(
    raw: np.ndarray, variances: np.ndarray, terms: np.ndarray, beside: np.ndarray
) -> Result:
    """Test whether further terms of a logistic model would tell something of the labels.

    Parameters
    ----------
    raw : ndarray, shape [n]
        Label (0 or 1) less probability.
    variances : ndarray, shape [n]
        p(1 - p) of each row; positive.
    terms : ndarray, shape [n, k]
        What is tested.
    beside : ndarray, shape [n, m]
        Terms that are allowed to be wrong: their part in `terms` does not count.

    Returns
    -------
    Result
        Rao's score statistic and its chi-squared p value. Terms that are not normal, since too few
        rows tell of them, are left out; the p value is NaN if none is left.
    """
    scale = np.sqrt(variances)[:, None]
    basis = np.linalg.qr(scale * beside)[0]
    weighted = scale * terms
    size = np.linalg.norm(weighted, axis=0)
    weighted = weighted - basis @ (basis.T @ weighted)
    variance = (weighted**2).sum(axis=0)
    usable = variance > (1e-6 * size) ** 2
    # E|label - p|³ is p(1 - p)(1 - 2p(1 - p)).
    moments = (np.abs(weighted) ** 3 * ((1 - 2 * variances[:, None]) / scale)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        usable &= moments <= MOST_LYAPUNOV * variance**1.5
    if not usable.any():
        return Result(np.asarray(np.nan), np.asarray(np.nan), 0)
    kept = weighted[:, usable] / np.sqrt(variance[usable])
    sums = kept.T @ (raw / scale[:, 0])
    moment, vectors = np.linalg.eigh(kept.T @ kept)
    independent = moment > 1e-9 * moment[-1]
    along = (vectors.T @ sums)[independent]
    statistic = (along**2 / moment[independent]).sum()
    degrees = int(independent.sum())
    return Result(np.asarray(statistic), np.asarray(stats.chi2.sf(statistic, degrees)), degrees)


def mean(raw: np.ndarray, variances: np.ndarray) -> Result:
    """Test whether probabilities are right in the mean of all rows: see `score_test`."""
    ones = np.ones((len(raw), 1))
    return score_test(raw, variances, ones, ones[:, :0])


def trend(raw: np.ndarray, variances: np.ndarray, values: np.ndarray) -> Result:
    """Test whether probabilities err in one direction as a column rises: see `score_test`."""
    return score_test(raw, variances, values[:, None], np.ones((len(values), 1)))


def level(raw: np.ndarray, variances: np.ndarray, groups: np.ndarray) -> Result:
    """Test whether probabilities err differently in groups.

    Parameters
    ----------
    raw, variances : ndarray, shape [n]
    groups : ndarray, shape [n]
        Index of each row's group, from 0.
    """
    return score_test(raw, variances, members(groups), np.ones((len(groups), 1)))


def spread(raw: np.ndarray, probabilities: np.ndarray, regressors: np.ndarray) -> Result:
    """Test whether a column decides how far probabilities should be from one half.

    Parameters
    ----------
    raw : ndarray, shape [n]
    probabilities : ndarray, shape [n]
        Between 0 and 1, both excluded.
    regressors : ndarray, shape [n, k]
        Of the column: see `members` for groups.

    Notes
    -----
    What heteroscedasticity is to a regression, an error of unequal spread behind the label is to
    a logistic model: it divides the log-odds by the spread. This is Davidson and MacKinnon's
    Lagrange multiplier test of it (1984, "Convenient specification tests for logit and probit
    models"), whose terms are the log-odds times the columns; the columns themselves and
    the log-odds stand beside them, so that neither a trend nor probabilities that are too bold
    everywhere are a finding.
    """
    odds = np.log(probabilities / (1 - probabilities))[:, None]
    beside = np.hstack([np.ones_like(odds), regressors, odds])
    return score_test(raw, probabilities * (1 - probabilities), odds * regressors, beside)


def members(groups: np.ndarray) -> np.ndarray:
    """Return which rows are in each group but the first, [n, groups - 1]."""
    found: np.ndarray = (groups[:, None] == np.arange(1, groups.max() + 1)).astype(np.float64)
    return found
