"""The Poisson bootstrap: weightings of the same rows, whose spread is that of a metric."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Weights that are held at once.
_MAX_WEIGHTS = 8_000_000


def poisson_weights(rows: int, replicates: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield weights [rows, k], until all replicates were there.

    Chamandy, Muralidharan, Najmi and Naidu, "Estimating uncertainty for massive data streams"
    (2012).
    """
    random = np.random.default_rng(seed)
    step = max(1, _MAX_WEIGHTS // max(rows, 1))
    for start in range(0, replicates, step):
        drawn = random.poisson(1.0, (min(step, replicates - start), rows))
        yield np.ascontiguousarray(drawn.T, np.float64)
