"""Which rows are near the points of a grid."""

from __future__ import annotations

import numpy as np

from components.explainer.axes import Axis


def weights(axis: Axis, grid: np.ndarray) -> np.ndarray:
    """Return the share of the background nearest to each point of a grid, [grid]."""
    counts = np.bincount(nearest(axis, axis.known, grid), minlength=len(grid))
    return np.asarray(counts / counts.sum())


def nearest(axis: Axis, coordinates: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the place of the nearest point for each coordinate that has one."""
    if axis.numeric:
        return np.asarray(
            np.searchsorted((grid[1:] + grid[:-1]) / 2, coordinates[np.isfinite(coordinates)])
        )
    return coordinates[(coordinates >= 0) & (coordinates < len(grid))].astype(np.int64)
