"""How strongly two features depend on each other, whatever their kinds."""

from __future__ import annotations

import numpy as np
from scipy import stats


def strength(a: np.ndarray, a_numeric: bool, b: np.ndarray, b_numeric: bool) -> float:
    """Return the association of two columns, from 0 for none to 1.

    Parameters
    ----------
    a, b : ndarray of float64, shape [n]
        Coordinates; rows where one is NaN are left out.
    a_numeric, b_numeric : bool
        Whether a coordinate is a number, or a category's place.

    Returns
    -------
    float
        Of two numbers the absolute Spearman rank correlation; of a number and a category the
        square root of Kruskal and Wallis's epsilon squared (the correlation ratio of the ranks,
        less what chance adds); of two categories Cramer's V with Bergsma's correction (2013).
        0 where one of them does not vary.
    """
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    if a_numeric and b_numeric:
        return abs(float(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1]))
    if a_numeric or b_numeric:
        return _correlation_ratio(stats.rankdata(a if a_numeric else b), b if a_numeric else a)
    return _cramers_v(a, b)


def _correlation_ratio(ranks: np.ndarray, categories: np.ndarray) -> float:
    _, codes, counts = np.unique(categories, return_inverse=True, return_counts=True)
    rows, groups = len(ranks), len(counts)
    if groups >= rows:
        return 0.0
    means = np.bincount(codes, ranks) / counts
    within = float(((ranks - means[codes]) ** 2).sum()) / (rows - groups)
    total = float(((ranks - ranks.mean()) ** 2).sum()) / (rows - 1)
    return float(np.sqrt(max(0.0, 1 - within / total)))


def _cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    kinds_a, codes_a = np.unique(a, return_inverse=True)
    kinds_b, codes_b = np.unique(b, return_inverse=True)
    rows, k, m = len(a), len(kinds_a), len(kinds_b)
    table = np.bincount(codes_a * m + codes_b, minlength=k * m).reshape(k, m)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    phi = float(((table - expected) ** 2 / expected).sum()) / rows
    phi = max(0.0, phi - (k - 1) * (m - 1) / (rows - 1))
    k_fair = k - (k - 1) ** 2 / (rows - 1)
    m_fair = m - (m - 1) ** 2 / (rows - 1)
    least = min(k_fair, m_fair) - 1
    return float(np.sqrt(min(1.0, phi / least))) if least > 0 else 0.0
