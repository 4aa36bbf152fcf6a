"""What a decision threshold does, to all rows and to groups of them, at a thousand places."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components import fairness
from components.fairness import GroupRates

#: Thresholds are the multiples of 1 / STEPS from 0 to 1.
STEPS = 1000
#: Groups that are told apart, the largest; and rows from which a group is one.
MOST_GROUPS, LEAST_ROWS = 10, 30
#: Gaps that are followed over the thresholds.
GAPS = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "equalized_odds_difference",
)
#: Numbers of more values than this are put into quarters.
MOST_DISTINCT = 24


@dataclass(frozen=True)
class Groups:
    """Rows divided by a column.

    Attributes
    ----------
    codes : ndarray of int, shape [n]
        Place of each row's group; -1 for rows of none.
    names : tuple of str
    left_out : int
        Rows without a group: the value is missing, or too rare.
    """

    codes: np.ndarray
    names: tuple[str, ...]
    left_out: int


def steps() -> np.ndarray:
    """Return the thresholds, shape [STEPS + 1]."""
    return np.arange(STEPS + 1) / STEPS


def grouped(values: np.ndarray, shown: Any = str) -> Groups:
    """Return rows divided by the values of a column.

    Parameters
    ----------
    values : ndarray, shape [n]
        Numbers, of which NaN is missing, or texts, of which "" is. Numbers of more than
        `MOST_DISTINCT` values are divided into quarters.
    shown : callable
        A number to its text.

    Returns
    -------
    Groups
        The largest first; quarters from low to high.

    Examples
    --------
    >>> found = grouped(np.array(["a"] * 40 + ["b"] * 30 + ["rare", ""], object))
    >>> found.names, found.left_out
    (('a', 'b'), 2)
    """
    numeric = values.dtype.kind == "f"
    present = ~np.isnan(values) if numeric else values != ""
    codes = np.full(len(values), -1)
    distinct, place = np.unique(values[present], return_inverse=True)
    if numeric and len(distinct) > MOST_DISTINCT:
        edges = np.unique(np.quantile(values[present], [0.25, 0.5, 0.75], method="inverted_cdf"))
        codes[present] = np.searchsorted(edges, values[present])
        bounds = [shown(float(edge)) for edge in edges]
        inner = [f"over {low} to {high}" for low, high in itertools.pairwise(bounds)]
        names = [f"up to {bounds[0]}", *inner, f"over {bounds[-1]}"]
        sizes = np.bincount(codes[present], minlength=len(names))
        kept = np.flatnonzero(sizes >= LEAST_ROWS)
    else:
        codes[present] = place
        names = [shown(float(each)) if numeric else str(each) for each in distinct]
        sizes = np.bincount(place, minlength=len(names)) if len(names) else np.empty(0, int)
        largest = np.argsort(-sizes, kind="stable")[:MOST_GROUPS]
        kept = largest[sizes[largest] >= LEAST_ROWS]
    target = np.full(len(names) + 1, -1)  # the last is for -1
    target[kept] = np.arange(len(kept))
    codes = target[codes]
    return Groups(codes, tuple(names[each] for each in kept), int((codes < 0).sum()))


def counts(labels: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Return what is decided positively at each threshold, rightly and wrongly.

    Parameters
    ----------
    labels : ndarray, shape [n]
        0 or 1.
    scores : ndarray, shape [n]
        Probability of 1; a decision is positive from the threshold on.

    Returns
    -------
    dict
        ``positives`` and ``negatives``, numbers of rows; ``true`` and ``false``, lists of how
        many of these are decided positively at each of `steps`.

    Examples
    --------
    >>> found = counts(np.array([1, 1, 0]), np.array([0.9, 0.2, 0.5]))
    >>> found["true"][500], found["false"][500], found["false"][501]
    (1, 1, 0)
    """
    scores = np.asarray(scores, np.float64)
    positive = np.asarray(labels) == 1

    def chosen(some: np.ndarray) -> list[int]:
        below = np.searchsorted(np.sort(some), steps(), side="left")
        return [int(each) for each in len(some) - below]

    return {
        "positives": int(positive.sum()),
        "negatives": int((~positive).sum()),
        "true": chosen(scores[positive]),
        "false": chosen(scores[~positive]),
    }


def gaps(groups: Sequence[dict[str, Any]]) -> dict[str, list[float | None]]:
    """Return the gaps between groups at each threshold.

    Parameters
    ----------
    groups : sequence of dict
        What `counts` returns of each.

    Returns
    -------
    dict of str to list
        By the names of `GAPS`; None where a gap is not defined.
    """
    found: dict[str, list[float | None]] = {name: [] for name in GAPS}
    for step in range(STEPS + 1):
        rates = {str(index): _rates(each, step) for index, each in enumerate(groups)}
        at_step = fairness.gaps(rates)
        for name in GAPS:
            value = at_step[name]
            found[name].append(round(value, 6) if np.isfinite(value) else None)
    return found


def trade_off(labels: np.ndarray, scores: np.ndarray, groups: Groups) -> dict[str, Any]:
    """Return all that a page needs to follow a threshold.

    Parameters
    ----------
    labels, scores : ndarray, shape [n]
        See `counts`.
    groups : Groups
        Of the same rows.

    Returns
    -------
    dict
        JSON: ``steps``; ``all`` and ``groups``, what `counts` returns, and the ``name`` of each
        group; ``gaps``; ``left_out``; ``suggested``, steps by what they are best for on
        these very rows.
    """
    whole = counts(labels, scores)
    parts = [
        {"name": name, **counts(labels[groups.codes == code], scores[groups.codes == code])}
        for code, name in enumerate(groups.names)
    ]
    return {
        "steps": STEPS,
        "all": whole,
        "groups": parts,
        "gaps": gaps(parts) if len(parts) > 1 else None,
        "left_out": groups.left_out,
        "suggested": _suggested(whole),
    }


def _suggested(whole: dict[str, Any]) -> dict[str, int]:
    true, false = np.array(whole["true"]), np.array(whole["false"])
    positives, negatives = whole["positives"], whole["negatives"]
    right = true + negatives - false
    f1 = 2 * true / np.maximum(positives + true + false, 1)
    return {"accuracy": _nearest_best(right), "f1": _nearest_best(f1)}


def _nearest_best(values: np.ndarray) -> int:
    """Return the step of the greatest value; of several that nearest to one half."""
    best = np.flatnonzero(values == values.max())
    return int(best[np.abs(best - STEPS // 2).argmin()])


def _rates(part: dict[str, Any], step: int) -> GroupRates:
    true, false = part["true"][step], part["false"][step]
    positives, negatives = part["positives"], part["negatives"]
    rows = positives + negatives
    sensitivity = _share(true, positives)
    return GroupRates(
        rows=rows,
        base_rate=_share(positives, rows),
        selection_rate=_share(true + false, rows),
        true_positive_rate=sensitivity,
        false_negative_rate=1.0 - sensitivity,
        false_positive_rate=_share(false, negatives),
        precision=_share(true, true + false),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
