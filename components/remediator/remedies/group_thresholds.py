"""Thresholds by group, at which the groups' rates are equal [Hardt, Price and Srebro 2016].

A threshold is served as a shift of the group's logits, so that whoever decides at 0.5 decides by
the group's threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from components.errors import InputError
from components.remediator import checks, groups
from components.remediator.candidate import Candidate
from components.remediator.config import FairnessGap, GroupThresholdsRemedy
from components.remediator.group_shift import GroupShift
from components.remediator.problem import Problem
from components.remediator.selection import RANDOMISED

#: Common rates that are tried.
RATES = np.linspace(0.0, 1.0, 201)


def candidates(
    problem: Problem, check: FairnessGap, settings: GroupThresholdsRemedy
) -> Iterator[Candidate]:
    """Yield the model with shifts for each share; see `components.remediator.remedies.REMEDIES`."""
    if check.gap == RANDOMISED:
        raise InputError(
            "Equalized odds take decisions by lot, which thresholds by group are not.",
            expected="another gap",
            got=check.gap,
        )
    if check.column not in problem.served_columns:
        raise InputError(
            "The served model is not told the group of a row.",
            column=check.column,
            expected="one of the model's own columns: " + ", ".join(sorted(problem.served_columns)),
            got=check.column,
        )
    tuning = problem.tuning
    scores = Candidate(problem.model).scores(tuning, problem.task)[:, -1]
    counted = checks.group_rates(check, tuning, np.stack([1 - scores, scores], axis=1))
    group = groups.texts(tuning.columns[check.column])
    found = thresholds(
        tuning.labels,
        scores,
        {name: group == name for name in counted},
        positives=check.gap == "equal_opportunity_difference",
    )
    logits = {name: _logit(value) for name, value in found.items()}
    for share in settings.shares:
        shifts = {name: -share * logit for name, logit in logits.items()}
        told = ", ".join(f"{n} {1 / (1 + np.exp(s)):.3f}" for n, s in sorted(shifts.items()))
        yield Candidate(problem.model, f"thresholds {told}", GroupShift(check.column, shifts))


def thresholds(
    labels: np.ndarray,
    scores: np.ndarray,
    members: Mapping[str, np.ndarray],
    *,
    positives: bool,
) -> dict[str, float]:
    """Return the threshold of each group at which all have the same rate, and most are right.

    Parameters
    ----------
    labels : ndarray, shape [n]
        0 or 1.
    scores : ndarray, shape [n]
        Probability of 1.
    members : mapping of str to ndarray of bool, shape [n]
        Rows of each group.
    positives : bool
        Whether the rate is that of positive decisions among positive labels (equal
        opportunity), or among all rows (demographic parity).

    Returns
    -------
    dict of str to float
        In (0, 1): between two scores of the group's. Of the common rates in `RATES`, that with
        the most right decisions over all groups, and of equals the one nearest to the rate at 0.5.
    """
    right = np.zeros(len(RATES))
    found = {}
    for name, rows in members.items():
        own, labelled = scores[rows], labels[rows]
        counted = own[labelled == 1] if positives else own
        if not len(counted):
            continue
        borders = _borders(counted)
        found[name] = borders[np.round(RATES * len(counted)).astype(int)]
        decided = own[np.newaxis] >= found[name][:, np.newaxis]
        right += (decided == (labelled == 1)).sum(axis=1)
    counted = (labels == 1) if positives else np.ones(len(labels), bool)
    usual = float((scores[counted] >= checks.THRESHOLD).mean())
    best = np.lexsort((np.abs(RATES - usual), -right))[0]
    return {name: float(of[best]) for name, of in found.items()}


def _borders(scores: np.ndarray) -> np.ndarray:
    """Return thresholds [n + 1] that the 0, 1, ..., n highest of scores reach."""
    falling = np.sort(scores.astype(np.float64))[::-1]
    edges = np.r_[1.0, falling, 0.0]
    between = (edges[:-1] + edges[1:]) / 2
    # The threshold that all reach lies below the least of them.
    return np.asarray(np.clip(between, 1e-6, 1 - 1e-6))


def _logit(share: float) -> float:
    return float(np.log(share) - np.log1p(-share))
