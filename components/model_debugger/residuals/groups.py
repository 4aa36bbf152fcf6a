"""Do residuals differ between groups of rows, in their mean or in their spread?"""

from __future__ import annotations

import numpy as np
from scipy import stats

from components.model_debugger.residuals.result import Result

#: Least rows of a group.
MIN_ROWS = 20


def welch(values: np.ndarray, groups: np.ndarray) -> Result:
    """Test whether the means of groups differ, whatever their variances.

    Parameters
    ----------
    values : ndarray, shape [n]
    groups : ndarray, shape [n]
        Index of each row's group, from 0; two groups at least, of two rows at least.

    Returns
    -------
    Result
        Welch's F (1951). Groups without any variance make it infinite, or 0 if all are alike.
    """
    count = np.bincount(groups).astype(float)
    mean = np.bincount(groups, values) / count
    variance = np.bincount(groups, (values - mean[groups]) ** 2) / (count - 1)
    k = len(count)
    if not variance.all():
        alike = np.ptp(mean) == 0
        return Result(np.asarray(0.0 if alike else np.inf), np.asarray(float(alike)), k - 1)
    weight = count / variance
    share = weight / weight.sum()
    between = (weight * (mean - share @ mean) ** 2).sum() / (k - 1)
    doubt = ((1 - share) ** 2 / (count - 1)).sum()
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * doubt)
    p = stats.f.sf(statistic, k - 1, (k**2 - 1) / (3 * doubt))
    return Result(np.asarray(statistic), np.asarray(p), k - 1)


def brown_forsythe(values: np.ndarray, groups: np.ndarray) -> Result:
    """Test whether the spread of groups differs, by their distances from their medians (1974).

    Parameters
    ----------
    values : ndarray, shape [n]
    groups : ndarray, shape [n]
        As in `welch`.

    Returns
    -------
    Result
        The F of an analysis of variance of the distances; without any of them it is 0.
    """
    order = np.argsort(groups, kind="stable")
    count = np.bincount(groups)
    parts = np.split(order, np.cumsum(count)[:-1])
    medians = np.array([np.median(values[part]) for part in parts])
    distances = np.abs(values - medians[groups])
    mean = np.bincount(groups, distances) / count
    k, n = len(count), len(values)
    between = (count * (mean - distances.mean()) ** 2).sum() / (k - 1)
    within = ((distances - mean[groups]) ** 2).sum() / (n - k)
    if within == 0:
        alike = between == 0
        return Result(np.asarray(0.0 if alike else np.inf), np.asarray(float(alike)), k - 1)
    statistic = between / within
    return Result(np.asarray(statistic), np.asarray(stats.f.sf(statistic, k - 1, n - k)), k - 1)


def of_text(values: np.ndarray, most: int) -> tuple[np.ndarray, list[str | None]]:
    """Return groups of rows by their text, the most frequent first.

    Parameters
    ----------
    values : ndarray of str, shape [n]
        "" is a missing value.
    most : int
        Groups besides that of all other texts.

    Returns
    -------
    groups : ndarray, shape [n]
        -1 for a row that is in none: other texts, where too few rows have one.
    names : list of str or None
        Text of each group; None for that of all other texts.
    """
    texts, codes, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = [int(code) for code in order[:most] if counts[code] >= MIN_ROWS]
    place = np.full(len(texts), len(kept))
    place[kept] = np.arange(len(kept))
    groups = place[codes]
    names: list[str | None] = [str(texts[code]) for code in kept]
    others = groups == len(kept)
    if others.sum() >= MIN_ROWS:
        names.append(None)
    else:
        groups = np.where(others, -1, groups)
    return groups, names


def of_numbers(values: np.ndarray, parts: int) -> np.ndarray:
    """Return parts of about equal size by rising value, [n]; -1 for missing values.

    Parameters
    ----------
    values : ndarray, shape [n]
        NaN is a missing value.
    parts : int
        At most so many, and so many that each has `MIN_ROWS` on the average; equal values are
        in the same.
    """
    known = ~np.isnan(values)
    parts = min(parts, max(int(known.sum()) // MIN_ROWS, 1))
    groups = np.full(len(values), -1)
    if known.any():
        borders = np.quantile(values[known], np.arange(1, parts) / parts, method="higher")
        found = np.searchsorted(np.unique(borders), values[known], side="right")
        groups[known] = np.unique(found, return_inverse=True)[1]
    return groups


def large(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return groups without those of too few rows, [n], and which were kept, [kept].

    Parameters
    ----------
    groups : ndarray, shape [n]
        -1 for a row that is in none.

    Examples
    --------
    >>> groups, kept = large(np.repeat([0, 1, 2], [MIN_ROWS, 1, MIN_ROWS]))
    >>> kept.tolist(), np.unique(groups).tolist()
    ([0, 2], [-1, 0, 1])
    """
    kept = np.flatnonzero(np.bincount(groups[groups >= 0]) >= MIN_ROWS)
    place = np.full(int(groups.max(initial=-1)) + 2, -1)
    place[kept] = np.arange(len(kept))
    # The last place is that of -1.
    return place[groups], kept
