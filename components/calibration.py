"""Whether scores are probabilities: reliability diagram and expected calibration error.

Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"
(2015); with bins of equal mass, as Nguyen and O'Connor (2015) advise, since most scores of a good
model lie at the ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bin:
    """Rows whose scores are neighbours.

    Attributes
    ----------
    rows : int
    mean_score : float
    rate : float
        Share for which what the score says came true.
    """

    rows: int
    mean_score: float
    rate: float


def reliability(labels: np.ndarray, scores: np.ndarray, bins: int = 10) -> list[Bin]:
    """Return the bins of a reliability diagram, by rising score.

    Parameters
    ----------
    labels : ndarray, shape [n]
        Index of the class.
    scores : ndarray, shape [n] or [n, k]
        Probability of class 1; or of each class. Of two columns the last counts; of more, the
        score of the most probable class, which came true if the label is that class.
    bins : int
        At most so many; rows of equal score are in the same.

    Examples
    --------
    >>> reliability(np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.8, 0.8]), bins=2)
    [Bin(rows=2, mean_score=0.2, rate=0.5), Bin(rows=2, mean_score=0.8, rate=1.0)]
    """
    said, came_true = _events(np.asarray(labels), np.asarray(scores, np.float64))
    order = np.argsort(said, kind="stable")
    said, came_true = said[order], came_true[order]
    wanted = (np.arange(1, bins) * len(said)) // bins
    # A border moves to the first row of its score.
    borders = np.unique(np.searchsorted(said, said[wanted])) if len(said) else wanted[:0]
    parts = np.split(np.arange(len(said)), borders)
    return [
        Bin(len(part), float(said[part].mean()), float(came_true[part].mean()))
        for part in parts
        if len(part)
    ]


def expected_calibration_error(labels: np.ndarray, scores: np.ndarray, bins: int = 10) -> float:
    """Return the mean distance of score and rate over the bins, weighted by their rows.

    See `reliability` for the parameters. It is 0 for a calibrated model of infinitely many rows,
    and at most 1.
    """
    found = reliability(labels, scores, bins)
    rows = sum(each.rows for each in found)
    return sum(each.rows * abs(each.mean_score - each.rate) for each in found) / max(rows, 1)


def _events(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is said of each row with which probability, and whether it came true."""
    if scores.ndim == 1 or scores.shape[1] <= 2:
        return (scores if scores.ndim == 1 else scores[:, -1]), labels == 1
    said = scores.argmax(axis=1)
    return scores.max(axis=1), labels == said
