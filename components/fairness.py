"""Rates of decisions by group, and the gaps between groups.

The gaps are those of Hardt, Price and Srebro, "Equality of Opportunity in Supervised Learning"
(2016), and of demographic parity, as Fairlearn names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GroupRates:
    """What became of the rows of a group.

    Attributes
    ----------
    rows : int
    base_rate : float
        Share whose label is positive.
    selection_rate : float
        Share that is decided positively.
    true_positive_rate, false_negative_rate : float
        Of the rows with a positive label; NaN without any.
    false_positive_rate : float
        Of the rows with a negative label; NaN without any.
    precision : float
        Share of positive labels among positive decisions; NaN without any.
    """

    rows: int
    base_rate: float
    selection_rate: float
    true_positive_rate: float
    false_negative_rate: float
    false_positive_rate: float
    precision: float


def rates(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, threshold: float = 0.5
) -> dict[str, GroupRates]:
    """Return the rates of each group.

    Parameters
    ----------
    labels : ndarray, shape [n]
        0 or 1.
    scores : ndarray, shape [n]
        Probability of 1.
    groups : ndarray of str, shape [n]
        Group of each row; rows of "" are left out.
    threshold : float
        Score from which a decision is positive.

    Returns
    -------
    dict of str to GroupRates
        In the order of the groups' names.

    Examples
    --------
    >>> found = rates(
    ...     np.array([1, 1, 0, 1, 0, 0]),
    ...     np.array([0.9, 0.4, 0.6, 0.8, 0.2, 0.1]),
    ...     np.array(["a", "a", "a", "b", "b", "b"]),
    ... )
    >>> found["a"].true_positive_rate, found["b"].true_positive_rate
    (0.5, 1.0)
    """
    groups = np.asarray(groups, object).astype(str)
    positive, decided = np.asarray(labels) == 1, np.asarray(scores) >= threshold
    found = {}
    for name in np.unique(groups[groups != ""]):
        member = groups == name
        true, chosen = positive[member], decided[member]
        found[str(name)] = GroupRates(
            rows=int(member.sum()),
            base_rate=_share(true),
            selection_rate=_share(chosen),
            true_positive_rate=_share(chosen[true]),
            false_negative_rate=_share(~chosen[true]),
            false_positive_rate=_share(chosen[~true]),
            precision=_share(true[chosen]),
        )
    return found


def gaps(found: Mapping[str, GroupRates]) -> dict[str, float]:
    """Return the gaps between groups: from 0, which is none, to 1; of a ratio the reverse.

    Groups in which a rate is undefined do not count in its gap; a gap of fewer than two
    groups is NaN.

    Returns
    -------
    dict of str to float
        ``demographic_parity_difference``, ``demographic_parity_ratio``,
        ``equal_opportunity_difference`` (of true positive rates) and
        ``equalized_odds_difference`` (the greater of those of true and false positive rates).

    Examples
    --------
    >>> found = {
    ...     "a": GroupRates(10, 0.5, 0.4, 0.8, 0.2, 0.1, 0.9),
    ...     "b": GroupRates(10, 0.5, 0.3, 0.6, 0.4, 0.4, 0.9),
    ... }
    >>> {name.split("_d")[0]: round(value, 3) for name, value in gaps(found).items()}
    {'demographic_parity': 0.1, 'demographic_parity_ratio': 0.75, 'equal_opportunity': 0.2,
     'equalized_odds': 0.3}
    """
    selection = _defined(each.selection_rate for each in found.values())
    true = _defined(each.true_positive_rate for each in found.values())
    false = _defined(each.false_positive_rate for each in found.values())
    ratio = float("nan")
    if len(selection) > 1:
        ratio = float(selection.min() / selection.max()) if selection.max() > 0 else 1.0
    return {
        "demographic_parity_difference": _range(selection),
        "demographic_parity_ratio": ratio,
        "equal_opportunity_difference": _range(true),
        "equalized_odds_difference": float(np.maximum(_range(true), _range(false))),
    }


def _share(chosen: np.ndarray) -> float:
    return float(chosen.mean()) if len(chosen) else float("nan")


def _defined(values: Iterable[float]) -> np.ndarray:
    array = np.array(list(values), np.float64)
    return array[np.isfinite(array)]


def _range(values: np.ndarray) -> float:
    return float(values.max() - values.min()) if len(values) > 1 else float("nan")
