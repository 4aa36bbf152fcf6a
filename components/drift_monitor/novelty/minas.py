"""MINAS: many known classes, extensions of them, and novelty patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from components.drift_monitor.novelty.base import (
    DRIFT,
    EXTENSION,
    KNOWN,
    NOVEL,
    UNKNOWN,
    UNKNOWN_CLASS,
    Floats,
    Ints,
    SphereDetector,
    cluster,
    distances,
    parameter,
    spread,
)


@dataclass
class Minas(SphereDetector):
    """MINAS (MultI-class learNing Algorithm for data Streams).

    Each known class is k-means micro-clusters; a row is of the nearest one's class if it is within
    its radius, ``radius_factor`` standard deviations. Unknown rows are clustered; a cluster is
    valid if it has enough rows and a silhouette ``(b - a) / max(a, b) > 0``, with b the distance to
    the nearest micro-cluster and a its own deviation. A valid one nearer to that micro-cluster than
    ``threshold`` of its deviations (the paper's TV1) extends it, else it is a novelty pattern.

    Parameters
    ----------
    clusters : int
        Micro-clusters of each known class.
    candidates : int
        Clusters of the buffer.
    cluster_size : int
        Rows of a valid cluster, at least.
    radius_factor, threshold : float
        In standard deviations of a micro-cluster.
    minimum, trial_every, window : int
        Buffered rows for a trial, unknown rows between trials, rows an unknown one is kept.
    seed : int

    Notes
    -----
    An extension is called a drift if its micro-cluster has explained no row for `window` rows:
    its class moved away from there. Micro-clusters that are asleep still explain rows, as the
    paper's sleep memory does once it is asked.

    References
    ----------
    de Faria, de Carvalho & Gama, MINAS: multiclass learning algorithm for novelty detection in data
    streams, Data Mining and Knowledge Discovery 30 (2016).
    """

    NAME: ClassVar[str] = "minas"
    STATE: ClassVar[dict[str, tuple[type, int]]] = {**SphereDetector.STATE, "last": (int, 1)}

    clusters: int = parameter(20, 1)
    candidates: int = parameter(10, 1)
    cluster_size: int = parameter(10, 2)
    radius_factor: float = parameter(2.0, 0.01)
    threshold: float = parameter(2.0, 0.0)
    minimum: int = parameter(100, 2)
    trial_every: int = parameter(50, 1)
    window: int = parameter(2000, 1)
    seed: int = parameter(0, 0)

    def _check_state(self) -> None:
        super()._check_state()
        self._same_length("centres", "last")

    def _fit(self, rows: Floats, labels: Ints) -> None:
        self._empty()
        for label in self.known_classes:
            own = rows[labels == label]
            for members in cluster(own, self.clusters, self.seed):
                self._add(own[members], self._radius(own[members]), int(label), KNOWN)
        # One row says nothing of a radius: it takes that of its class's micro-clusters.
        for label in self.known_classes:
            mine = self.labels == label
            typical = float(np.median(self.radii[mine]))
            self.radii[mine & (self.radii == 0)] = typical
            self.spreads[mine & (self.spreads == 0)] = typical / self.radius_factor
        self.last = np.zeros(len(self.centres), np.int64)

    def _radius(self, rows: Floats) -> float:
        return self.radius_factor * spread(rows)

    def _seen(self, where: Ints) -> None:
        inside = np.flatnonzero(where >= 0)
        np.maximum.at(self.last, where[inside], inside + self.rows)

    def _discover(self) -> tuple[Ints, Ints]:
        labels = np.full(len(self.buffer), UNKNOWN_CLASS)
        kinds = np.full(len(self.buffer), UNKNOWN)
        for members in cluster(self.buffer, self.candidates, self.seed):
            rows = self.buffer[members]
            gaps = distances(rows.mean(axis=0)[None], self.centres)[0]
            nearest = int(gaps.argmin())
            if len(rows) < self.cluster_size or gaps[nearest] <= spread(rows):
                continue
            if gaps[nearest] <= self.threshold * self.spreads[nearest]:
                label, kind = int(self.labels[nearest]), int(self.kinds[nearest])
                if kind != NOVEL:
                    asleep = self.last[nearest] < self.rows - self.window
                    kind = DRIFT if asleep else EXTENSION
            else:
                label, kind = self._new_class(), NOVEL
            self._add(rows, self._radius(rows), label, kind)
            self.last = np.append(self.last, self.rows)
            labels[members], kinds[members] = label, kind
        return labels, kinds
