"""OLINDDA: novelty and extension of one normal concept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from components.drift_monitor.novelty.base import (
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
    farthest,
    parameter,
)


@dataclass
class Olindda(SphereDetector):
    """OLINDDA (OnLIne Novelty and Drift Detection Algorithm).

    The normal concept is a union of k-means spheres, each as large as its farthest row. Unknown
    rows are clustered; a cluster is valid if it is as cohesive as the normal ones, that is if its
    mean squared distance to the centre is at most the largest of theirs. If its centre lies within
    the sphere about the mean of all normal centres that holds them all, it extends the normal
    concept (its nearest class), else it is a novelty.

    Parameters
    ----------
    clusters : int
        Spheres of each known class.
    candidates : int
        Clusters of the buffer.
    cluster_size : int
        Rows of a valid cluster, at least.
    minimum, trial_every, window : int
        Buffered rows for a trial, unknown rows between trials, rows an unknown one is kept.
    seed : int

    Notes
    -----
    The paper knows one normal class; here its spheres carry the class they come from. A cluster
    that touches a found sphere is of that sphere's class, as where the paper merges concepts.

    References
    ----------
    Spinosa, de Carvalho & Gama, OLINDDA, SAC 2007; Novelty detection with application to data
    streams, Intelligent Data Analysis 13 (2009).
    """

    NAME: ClassVar[str] = "olindda"

    clusters: int = parameter(10, 1)
    candidates: int = parameter(10, 1)
    cluster_size: int = parameter(5, 2)
    minimum: int = parameter(60, 2)
    trial_every: int = parameter(15, 1)
    window: int = parameter(2000, 1)
    seed: int = parameter(0, 0)

    def _fit(self, rows: Floats, labels: Ints) -> None:
        self._empty()
        for label in self.known_classes:
            own = rows[labels == label]
            for members in cluster(own, self.clusters, self.seed):
                self._add(own[members], farthest(own[members]), int(label), KNOWN)

    def _discover(self) -> tuple[Ints, Ints]:
        labels = np.full(len(self.buffer), UNKNOWN_CLASS)
        kinds = np.full(len(self.buffer), UNKNOWN)
        normal = self.kinds == KNOWN
        middle = self.centres[normal].mean(axis=0)
        reach = distances(middle[None], self.centres[normal]).max()
        loosest = self.spreads[normal].max()
        for members in cluster(self.buffer, self.candidates, self.seed):
            rows = self.buffer[members]
            radius = farthest(rows)
            centre = rows.mean(axis=0)[None]
            scatter = np.sqrt((distances(rows, centre) ** 2).mean())
            if len(rows) < self.cluster_size or scatter > loosest:
                continue
            gaps = distances(centre, self.centres)[0]
            nearest = int(np.where(self.kinds != NOVEL, gaps, np.inf).argmin())
            touched = (self.kinds == NOVEL) & (gaps <= self.radii + radius)
            if distances(centre, middle[None])[0, 0] <= reach:
                label, kind = int(self.labels[nearest]), EXTENSION
            elif touched.any():
                label, kind = int(self.labels[np.where(touched, gaps, np.inf).argmin()]), NOVEL
            else:
                label, kind = self._new_class(), NOVEL
            self._add(rows, radius, label, kind)
            labels[members], kinds[members] = label, kind
        return labels, kinds
