"""LIME for rows of raw columns: all rows share what the model says of the perturbed ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.deadline import Deadline
from components.explainer import axes
from components.explainer.intervals import Intervals
from components.explainer.lime import regression
from components.explainer.lime.config import LimeConfig
from components.explainer.lime.regression import Fit
from components.explainer.problem import Problem

#: Numbers of kept-or-not features that are held at once.
BLOCK = 5_000_000
#: Part of the root of the number of features that the kernel is wide by default.
WIDTH = 0.75


@dataclass(frozen=True)
class Explained:
    """What was found of some rows.

    Attributes
    ----------
    rows : ndarray of int, shape [r]
    fit : Fit
    intervals : list of Intervals
        By feature.
    codes : ndarray of int, shape [r, features]
        The interval or category that each row keeps.
    width : float
        Of the kernel.
    """

    rows: np.ndarray
    fit: Fit
    intervals: list[Intervals]
    codes: np.ndarray
    width: float


def explain(problem: Problem, config: LimeConfig, deadline: Deadline) -> Explained:
    """Fit a linear model around each row.

    Ribeiro, Singh and Guestrin, "Why Should I Trust You?" (2016), algorithm 1. A perturbed row
    takes each feature from any row of the background; it keeps what falls into the row's own
    interval or category. As that does not depend on the row, the model is asked once for all.
    The row itself is one sample more.
    """
    given = axes.of(problem)
    intervals = [Intervals.of(axis, config.parts) for axis in given.values()]
    usual = axes.taken(problem.background.columns, axes.in_order(problem.background.columns))
    count = len(next(iter(usual.values())))
    random = np.random.default_rng(problem.seed)
    drawn = {}
    for axis in given.values():
        places = random.integers(0, count, config.samples)
        drawn.update({name: usual[name][places] for name in axis.columns})
    # What the model is asked about besides, and no feature holds, is as in the background.
    places = random.integers(0, count, config.samples)
    drawn = {name: drawn.get(name, usual[name][places]) for name in usual}
    answers = axes.values_of(problem, drawn)
    sampled = np.stack([each.codes(drawn) for each in intervals], axis=1)
    own = np.stack([each.codes(problem.subject.columns) for each in intervals], axis=1)
    said = problem.of_scores(problem.subject.scores)
    width = config.kernel_width or WIDTH * np.sqrt(len(intervals))
    fits = []
    block = max(1, BLOCK // sampled.size)
    for start in range(0, len(own), block):
        if deadline.passed:
            break
        deadline.report(start / len(own), "rows")
        part = own[start : start + block]
        kept = sampled == part[:, None]
        kept = np.concatenate([np.ones((len(part), 1, kept.shape[2]), bool), kept], axis=1)
        near = regression.kernel((~kept).sum(axis=2), width)
        asked = np.concatenate(
            [
                said[start : start + block, None],
                np.broadcast_to(answers, (len(part), *answers.shape)),
            ],
            axis=1,
        )
        fits.append(regression.fit(kept, near, asked, config.penalty))
    fit = (
        Fit(
            *(
                np.concatenate([getattr(each, name) for each in fits])
                for name in ("weights", "intercept", "fidelity")
            )
        )
        if fits
        else Fit(
            np.empty((0, len(intervals), said.shape[1])),
            np.empty((0, said.shape[1])),
            np.empty((0, said.shape[1])),
        )
    )
    done = np.arange(len(fit.weights))
    return Explained(done, fit, intervals, own[done], float(width))
