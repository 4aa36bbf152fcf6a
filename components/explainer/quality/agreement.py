"""Whether methods agree on what counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

#: Features from which on a rank correlation tells something.
LEAST_FEATURES = 3


def of_importances(
    importances: Mapping[str, Mapping[str, float]], top: int
) -> list[dict[str, Any]]:
    """Return for each pair of methods how alike their importances of features are.

    Parameters
    ----------
    importances : mapping of str to mapping of str to float
        By method and feature.
    top : int

    Returns
    -------
    list of dict
        ``methods`` (a pair), ``correlation`` (Spearman's, of the features that both rank; None of
        less than three, or where one ranks all the same), ``shared`` (see `shared`), ``top`` and
        ``overlap``, the share of the most important features of one that are among those of the
        other, and ``apart``: the feature whose ranks differ most, with both, or None where none
        do.
    """
    found = []
    for pair in combinations(importances, 2):
        first, second = (importances[name] for name in pair)
        names = [name for name in first if name in second]
        if not names:
            continue
        values = np.array([[each[name] for name in names] for each in (first, second)])
        ranks = np.stack([stats.rankdata(-each, method="min") for each in values]).astype(int)
        count = min(top, len(names))
        best = [set(np.argsort(-each, kind="stable")[:count].tolist()) for each in values]
        distance = np.abs(ranks[0] - ranks[1])
        most = int(distance.argmax())
        found.append(
            {
                "methods": list(pair),
                "correlation": correlation(*values),
                "shared": shared(*np.maximum(values, 0.0)),
                "top": count,
                "overlap": len(best[0] & best[1]) / count,
                "apart": {"feature": names[most], "ranks": ranks[:, most].tolist()}
                if distance[most]
                else None,
            }
        )
    return found


def of_rows(
    rows: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Return for each pair of methods how alike they explain single rows.

    Parameters
    ----------
    rows : mapping of str to ndarray of int, shape [n]
        Rows that a method explains.
    values : mapping of str to ndarray, shape [n, features, outputs]

    Returns
    -------
    list of dict
        ``methods`` (a pair), ``rows`` that both explain, and the means of the ``correlation``
        (Spearman's) and of what is ``shared`` (see `shared`) over them and the outputs, or None.
    """
    found = []
    for pair in combinations(rows, 2):
        common, places, others = np.intersect1d(rows[pair[0]], rows[pair[1]], return_indices=True)
        if not len(common):
            continue
        first, second = values[pair[0]][places], values[pair[1]][others]
        each = [
            (first[row, :, output], second[row, :, output])
            for row in range(len(common))
            for output in range(first.shape[2])
        ]
        found.append(
            {
                "methods": list(pair),
                "rows": len(common),
                "correlation": _mean([correlation(*both) for both in each]),
                "shared": _mean([shared(*both) for both in each]),
            }
        )
    return found


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return Spearman's rank correlation, or None of less than three numbers or equal ones."""
    if len(first) < LEAST_FEATURES or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    ranks = stats.rankdata(first), stats.rankdata(second)
    return float(np.corrcoef(*ranks)[0, 1])


def shared(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return the share of what counts that falls to the same features, with the same sign.

    Where few features count, a rank correlation is one of the noise of all others; this is not.

    Examples
    --------
    >>> shared(np.array([3.0, 1, 0]), np.array([1.0, -1, 0]))
    0.5
    """
    sizes = np.abs(first), np.abs(second)
    totals = sizes[0].sum(), sizes[1].sum()
    if not totals[0] or not totals[1]:
        return None
    least = np.minimum(sizes[0] / totals[0], sizes[1] / totals[1])
    return float(least[np.sign(first) == np.sign(second)].sum())


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def warnings(
    pairs: Sequence[Mapping[str, Any]], least: float, what: str, most: int = 3
) -> list[str]:
    """Return a sentence for each of the pairs that disagree most.

    Parameters
    ----------
    pairs : sequence of mapping
        What `of_importances` or `of_rows` returns.
    least : float
        A pair disagrees if both its rank correlation and what it shares are below.
    what : str
        What they disagree on.
    most : int
        Pairs that are told; of the others, their number is.
    """
    apart = [
        pair
        for pair in pairs
        if None not in (pair["correlation"], pair["shared"])
        and max(pair["correlation"], pair["shared"]) < least
    ]
    apart.sort(key=lambda pair: pair["shared"])
    found = []
    for pair in apart[:most]:
        first, second = (name.replace("_", " ") for name in pair["methods"])
        text = (
            f"{first} and {second} disagree on {what}: they share {pair['shared']:.0%} of what "
            f"counts, and the rank correlation is {pair['correlation']:.2f}"
        )
        widest = pair.get("apart")
        if widest:
            ranks = widest["ranks"]
            text += (
                f"; most on {widest['feature']}, number {ranks[0]} of one and {ranks[1]} of the "
                "other"
            )
        found.append(f"{text[:1].upper()}{text[1:]}.")
    if len(apart) > most:
        found.append(f"So do {len(apart) - most} more pairs of methods on {what}.")
    return found
