"""GC3: dense cells of a grid, joined to clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.novelty.base import (
    DRIFT,
    EXTENSION,
    KNOWN,
    NOVEL,
    UNKNOWN,
    UNKNOWN_CLASS,
    Floats,
    Ints,
    NoveltyDetector,
    parameter,
)


@dataclass
class Gc3(NoveltyDetector):
    """GC3 (grid density based clustering for classification of streams with concept drift).

    The range of each feature is cut into equal parts. A cell that holds known rows has the class of
    most of them. Rows in other cells are buffered; there a cell with `density` rows is dense, and
    dense cells that touch (they differ by at most one step in each feature) are a cluster. One that
    touches cells of a class extends it; one that does not and has `cluster_size` rows is a new
    class.

    Parameters
    ----------
    divisions : int
        Parts of each feature's range.
    density : int
        Rows of a dense cell.
    cluster_size : int
        Rows of a new class, at least.
    minimum, trial_every, window : int
        Buffered rows for a trial, unknown rows between trials, rows an unknown one is kept.
    seed : int
        Without effect: nothing is random.

    Notes
    -----
    An extension is called a drift if no cell of the class that it touches has explained a row for
    `window` rows. The paper asks for labels of new clusters and keeps a classifier for each;
    here no labels come, and a cell's class stands for it. Rows fade by leaving the window.

    References
    ----------
    Sethi, Kantardzic & Hu, A grid density based framework for classifying streaming data in the
    presence of concept drift, Journal of Intelligent Information Systems 46 (2016).
    """

    NAME: ClassVar[str] = "gc3"
    STATE: ClassVar[dict[str, tuple[type, int]]] = {
        "low": (float, 1),
        "widths": (float, 1),
        "cells": (int, 2),
        "labels": (int, 1),
        "kinds": (int, 1),
        "last": (int, 1),
    }

    divisions: int = parameter(10, 1)
    density: int = parameter(4, 1)
    cluster_size: int = parameter(20, 1)
    minimum: int = parameter(40, 1)
    trial_every: int = parameter(20, 1)
    window: int = parameter(2000, 1)
    seed: int = parameter(0, 0)

    def _check_state(self) -> None:
        super()._check_state()
        self._same_length("cells", "labels", "kinds", "last")

    def _fit(self, rows: Floats, labels: Ints) -> None:
        self.low = rows.min(axis=0)
        extent = rows.max(axis=0) - self.low
        self.widths = np.where(extent > 0, extent, 1.0) / self.divisions
        self.cells, which = np.unique(self._cells(rows), axis=0, return_inverse=True)
        votes = np.zeros((len(self.cells), len(self.known_classes)), np.int64)
        np.add.at(votes, (which.ravel(), np.searchsorted(self.known_classes, labels)), 1)
        self.labels = self.known_classes[votes.argmax(axis=1)]
        self.kinds = np.full(len(self.cells), KNOWN)
        self.last = np.zeros(len(self.cells), np.int64)

    def _cells(self, rows: Floats) -> Ints:
        # Far outliers share a far cell: no number is too large for an integer.
        steps = np.floor((rows - self.low) / self.widths)
        cells: Ints = np.clip(steps, -1_000_000, 1_000_000).astype(np.int64)
        return cells

    def _assign(self, rows: Floats) -> tuple[Ints, Ints, Ints]:
        index = {cell.tobytes(): i for i, cell in enumerate(self.cells)}
        where = np.array([index.get(cell.tobytes(), -1) for cell in self._cells(rows)], np.int64)
        return (
            np.where(where >= 0, self.labels[where], UNKNOWN_CLASS),
            np.where(where >= 0, self.kinds[where], UNKNOWN),
            where,
        )

    def _seen(self, where: Ints) -> None:
        inside = np.flatnonzero(where >= 0)
        np.maximum.at(self.last, where[inside], inside + self.rows)

    def _discover(self) -> tuple[Ints, Ints]:
        labels = np.full(len(self.buffer), UNKNOWN_CLASS)
        kinds = np.full(len(self.buffer), UNKNOWN)
        cells, which, counts = np.unique(
            self._cells(self.buffer), axis=0, return_inverse=True, return_counts=True
        )
        which = which.ravel()
        open_cells = set(np.flatnonzero(counts >= self.density).tolist())
        while open_cells:
            part = [min(open_cells)]
            open_cells.discard(part[0])
            for cell in part:
                near = [c for c in sorted(open_cells) if _touch(cells[cell], cells[[c]])[0]]
                part.extend(near)
                open_cells.difference_update(near)
            touched = np.zeros(len(self.cells), bool)
            for cell in part:
                touched |= _touch(cells[cell], self.cells)
            if touched.any():
                # The class with most cells at its edge.
                label = int(np.bincount(self.labels[touched]).argmax())
                own = touched & (self.labels == label)
                if label not in self.known_classes:
                    kind = NOVEL
                else:
                    awake = self.last[own].max() >= self.rows - self.window
                    kind = EXTENSION if awake else DRIFT
            elif counts[part].sum() >= self.cluster_size:
                label, kind = self._new_class(), NOVEL
            else:
                continue
            self.cells = np.concatenate([self.cells, cells[part]])
            self.labels = np.append(self.labels, np.full(len(part), label))
            self.kinds = np.append(self.kinds, np.full(len(part), kind))
            self.last = np.append(self.last, np.full(len(part), self.rows))
            members = np.isin(which, part)
            labels[members], kinds[members] = label, kind
        return labels, kinds


def _touch(cell: Ints, others: Ints) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.abs(others - cell).max(axis=1) <= 1
    return near
