"""ECSMiner: a new class is cohesive, and apart from all known ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from components.drift_monitor.novelty.base import (
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
class EcsMiner(SphereDetector):
    """ECSMiner (Enhanced Classifier for data Streams with novel class Miner), without feedback.

    Known classes are pseudopoints: k-means spheres as large as their farthest row. Rows outside are
    buffered and clustered. For each cluster the q-neighbourhood silhouette coefficient
    ``(d_known - d_out) / max(d_known, d_out)`` compares the mean distance to its q nearest buffered
    rows with that to the q nearest rows of the nearest class; the latter stand at their
    pseudopoints' centres, as in the paper's approximation. If more than q rows are in clusters
    with a positive one, they are a new class.

    Parameters
    ----------
    clusters : int
        Pseudopoints of each known class.
    q : int
        Neighbours, and rows that a new class has more than.
    minimum, trial_every, window : int
        Buffered rows for a trial, unknown rows between trials, rows an unknown one is kept.
    seed : int

    Notes
    -----
    The paper retrains an ensemble on chunks whose labels come late. Here no labels come: the
    ensemble is one model, and a new class joins it as pseudopoints. It tells no extension.

    References
    ----------
    Masud, Gao, Khan, Han & Thuraisingham, Classification and novel class detection in
    concept-drifting data streams under time constraints, IEEE TKDE 23 (2011).
    """

    NAME: ClassVar[str] = "ecsminer"

    clusters: int = parameter(25, 1)
    q: int = parameter(30, 1)
    minimum: int = parameter(60, 2)
    trial_every: int = parameter(30, 1)
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
        parts = cluster(self.buffer, max(2, len(self.buffer) // self.q), self.seed)
        centres = np.stack([self.buffer[part].mean(axis=0) for part in parts])
        nearest = np.sort(distances(centres, self.buffer), axis=1)[:, : self.q]
        out = nearest.mean(axis=1)
        apart = self._to_known(centres) > out
        if sum(len(part) for part, far in zip(parts, apart, strict=True) if far) <= self.q:
            return labels, kinds
        label = self._new_class()
        for part, far in zip(parts, apart, strict=True):
            if far:
                self._add(self.buffer[part], farthest(self.buffer[part]), label, NOVEL)
                labels[part], kinds[part] = label, NOVEL
        return labels, kinds

    def _to_known(self, centres: Floats) -> Floats:
        """Return the mean distance to the q nearest rows of the nearest class."""
        best = np.full(len(centres), np.inf)
        for label in np.unique(self.labels):
            mine = self.labels == label
            gaps, sizes = distances(centres, self.centres[mine]), self.sizes[mine]
            order = np.argsort(gaps, axis=1, kind="stable")
            ordered = np.take_along_axis(gaps, order, axis=1)
            before = np.cumsum(sizes[order], axis=1) - sizes[order]
            weights = np.clip(self.q - before, 0, sizes[order])
            best = np.minimum(best, (ordered * weights).sum(axis=1) / weights.sum(axis=1))
        return best
