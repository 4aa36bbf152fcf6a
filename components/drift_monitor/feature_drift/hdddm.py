"""Hellinger distance drift detection method, over batches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from components.drift_monitor.feature_drift.columns import Columns, as_kind, clean
from components.drift_monitor.feature_drift.reference import Feature, Reference
from components.errors import InputError

VERSION = 1


def hellinger(reference: NDArray[Any], current: NDArray[Any]) -> float:
    """Return the distance of two distributions, 0 to sqrt(2).

    Parameters
    ----------
    reference, current : ndarray, shape [k]
        Counts.

    Examples
    --------
    >>> round(hellinger(np.array([1, 0]), np.array([0, 1])), 4)
    1.4142
    """
    p, q = np.sqrt(reference / reference.sum()), np.sqrt(current / current.sum())
    return float(np.sqrt(((p - q) ** 2).sum()))


class HDDDM:
    """Batches against all rows since the last drift [Ditzler and Polikar 2011].

    The distance of a batch is the mean over the features of the Hellinger distance of their
    histograms. There is drift if it changes from the last batch's by more than

        mean + t(1 - alpha / 2, b - 1) deviation / sqrt(b)    or    mean + gamma deviation

    of the b earlier changes. Then the batch is the new reference; else its rows join the reference.

    Parameters
    ----------
    reference : Reference
    alpha : float
        Level of the t quantile.
    gamma : float or None
        If given, the second bound is used.

    Attributes
    ----------
    drift_detected : bool
        Whether the last batch was a drift.
    distance : float
        Of the last batch; NaN before the first.
    threshold : float
        That its change of distance was compared with; infinite before the third batch, as two
        changes are needed.

    Notes
    -----
    The paper's histograms have floor(sqrt(n)) bins of equal width, cut anew for every batch. Here
    they are the reference's cells, with one for missing values, so that the state needs no rows.
    Its bound with t is one of a mean: of batches without drift it gives alarms far more often than
    alpha, as in the paper. What keeps a level is `detect`.

    References
    ----------
    G. Ditzler and R. Polikar, "Hellinger distance based drift detection for nonstationary
    environments", IEEE CIDUE 2011.
    """

    def __init__(
        self, reference: Reference, *, alpha: float = 0.05, gamma: float | None = None
    ) -> None:
        if not 0 < alpha < 1:
            raise InputError(
                "Impossible level.", setting="alpha", expected="between 0 and 1", got=alpha
            )
        if gamma is not None and not 0 < gamma < math.inf:
            raise InputError(
                "Impossible bound.", setting="gamma", expected="a number above 0", got=gamma
            )
        self.alpha, self.gamma = alpha, gamma
        self._features: dict[str, Feature] = dict(reference.features)
        self._changes: list[float] = []
        self.distance = math.nan
        self.threshold = math.inf
        self.drift_detected = False

    def update(self, columns: Columns) -> None:
        """Take in a batch.

        Raises
        ------
        InputError
            It has no row, lacks a column, or one is of another kind.
        """
        needed = {name: _column(columns, name) for name in self._features}
        cleaned, _ = clean(needed, "batch")
        counts = {
            name: feature.count(as_kind(name, cleaned[name], feature.kind))[0]
            for name, feature in self._features.items()
        }
        distance = float(
            np.mean([hellinger(f.counts, counts[name]) for name, f in self._features.items()])
        )
        change = abs(distance - self.distance)
        self.threshold = self._bound()
        # Nothing is known of a change ahead of the second batch.
        self.drift_detected = bool(change > self.threshold)
        if self.drift_detected:
            self._features = {n: f.counted(counts[n]) for n, f in self._features.items()}
            self._changes, self.distance = [], math.nan
            return
        if not math.isnan(change):
            self._changes.append(change)
        self.distance = distance
        self._features = {n: f.counted(f.counts + counts[n]) for n, f in self._features.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain values that JSON can hold."""
        features = {
            name: {
                "kind": f.kind,
                "edges": f.edges.tolist(),
                "values": list(f.values),
                "counts": f.counts.tolist(),
            }
            for name, f in self._features.items()
        }
        return {
            "detector": "hdddm",
            "version": VERSION,
            "alpha": self.alpha,
            "gamma": self.gamma,
            "changes": list(self._changes),
            "distance": None if math.isnan(self.distance) else self.distance,
            "threshold": None if math.isinf(self.threshold) else self.threshold,
            "drift_detected": self.drift_detected,
            "features": features,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Return a detector that goes on where the one that was saved ended.

        Raises
        ------
        InputError
            It is the state of another detector or another version, or is not whole.
        """
        if not isinstance(saved, Mapping) or saved.get("detector") != "hdddm":
            raise _bad_state("a state of hdddm", type(saved).__name__)
        if saved.get("version") != VERSION:
            raise _bad_state(f"version {VERSION}", saved.get("version"))
        try:
            features = {
                name: Feature(
                    of["kind"],
                    np.array(of["edges"], np.float64),
                    tuple(of["values"]),
                    np.array(of["counts"], np.int64),
                    math.nan,
                    math.nan,
                )
                for name, of in saved["features"].items()
            }
            detector = cls(Reference(0, features, {}), alpha=saved["alpha"], gamma=saved["gamma"])
            detector._changes = [float(change) for change in saved["changes"]]
            distance, threshold = saved["distance"], saved["threshold"]
            detector.distance = math.nan if distance is None else float(distance)
            detector.threshold = math.inf if threshold is None else float(threshold)
            detector.drift_detected = bool(saved["drift_detected"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _bad_state("what to_json returned", f"{type(error).__name__}: {error}") from None
        return detector

    def _bound(self) -> float:
        b = len(self._changes)
        if b < 2:
            return math.inf
        mean, deviation = float(np.mean(self._changes)), float(np.std(self._changes, ddof=1))
        if self.gamma is not None:
            return mean + self.gamma * deviation
        return mean + float(stats.t.ppf(1 - self.alpha / 2, b - 1)) * deviation / math.sqrt(b)


def _column(columns: Columns, name: str) -> NDArray[Any]:
    if name not in columns:
        raise InputError(
            "A column of the reference is missing.",
            column=name,
            expected="the columns of the reference",
            got=", ".join(columns),
        )
    return columns[name]


def _bad_state(expected: str, got: object) -> InputError:
    return InputError(
        "The detector cannot go on from this state.",
        setting="state",
        expected=expected,
        got=got,
        remedy="Begin with a new detector, or use the version that saved it.",
    )
