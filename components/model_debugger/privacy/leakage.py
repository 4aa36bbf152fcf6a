"""How well a score tells members from others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

#: False-positive rate at which an attack has to be sure [Carlini et al. 2022].
LOW_RATE = 0.01
#: Standard errors on each side of an interval that holds 95 %.
WIDTH = 1.96
#: Points of the curve that is kept.
POINTS = 60


@dataclass(frozen=True)
class Leakage:
    """What an attack tells.

    Attributes
    ----------
    auc, low, high : float
        Chance that a member scores above another row, and its interval of 95 % [Hanley and
        McNeil 1982].
    tpr : float
        Share of the members told at a false-positive rate of at most `LOW_RATE`.
    advantage : float
        Greatest difference of true- and false-positive rate [Yeom et al. 2018]. Over all
        thresholds: a little above 0 even by chance.
    curve : tuple of (float, float)
        False- and true-positive rates, rising.
    members, others : int
    """

    auc: float
    low: float
    high: float
    tpr: float
    advantage: float
    curve: tuple[tuple[float, float], ...]
    members: int
    others: int

    @property
    def leaks(self) -> bool:
        """Whether members are told better than by chance, beyond the interval."""
        return self.low > 0.5


def measure(members: np.ndarray, others: np.ndarray) -> Leakage:
    """Measure an attack.

    Parameters
    ----------
    members, others : ndarray, shapes [n] and [m]
        Scores, which should be higher for members.
    """
    truth = np.r_[np.ones(len(members)), np.zeros(len(others))]
    fpr, tpr, _ = roc_curve(truth, np.r_[members, others], drop_intermediate=False)
    auc = float(np.trapezoid(tpr, fpr))
    error = _standard_error(auc, len(members), len(others))
    # Evenly spread on a logarithmic scale, on which it is drawn.
    rates = np.geomspace(1 / len(others), 1.0, POINTS)
    places = np.unique(np.searchsorted(fpr, rates, side="right") - 1)
    return Leakage(
        auc=auc,
        low=max(auc - WIDTH * error, 0.0),
        high=min(auc + WIDTH * error, 1.0),
        tpr=float(tpr[fpr <= LOW_RATE].max()),
        advantage=float((tpr - fpr).max()),
        curve=tuple((float(fpr[i]), float(tpr[i])) for i in places),
        members=len(members),
        others=len(others),
    )


def _standard_error(auc: float, members: int, others: int) -> float:
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc)
    variance += (members - 1) * (one - auc**2) + (others - 1) * (two - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (members * others)))
