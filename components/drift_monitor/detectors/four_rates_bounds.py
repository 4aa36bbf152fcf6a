"""Monte-Carlo bounds of an exponentially weighted rate, for Linear Four Rates."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rates for which bounds are simulated: sin^2 of so many equal steps of an angle from 0 to 90
#: degrees, so that they lie closer where the deviation of a rate is smaller.
STEPS = 100
#: The first value of a rate, before any row (Wang and Abraham 2015, Algorithm 1).
BEGIN = 0.5
#: Weight of the first value from which on the number of rows no longer matters.
NEGLIGIBLE = 1e-3


class Bounds:
    """Bounds of R(n) = d R(n-1) + (1-d) b(n), where b(n) is 1 with chance p, else 0.

    Bounds for a chance are simulated when they are first asked for, from the same random numbers
    for all chances, and interpolated between chances.

    Parameters
    ----------
    decay : float
        The d.
    levels : tuple of float
        Chance that R(n) is outside of the bounds, for each pair of bounds.
    least : int
        Fewest rows n for which bounds can be asked.
    samples : int
        Simulated sequences.
    seed : int
    """

    def __init__(
        self, decay: float, levels: tuple[float, ...], least: int, samples: int, seed: int
    ) -> None:
        self._decay, self._samples, self._seed = decay, samples, seed
        self._least = least
        self._most = max(least, math.ceil(math.log(NEGLIGIBLE) / math.log(decay)))
        tails = np.array(levels) / 2
        self._ranks = np.rint(np.concatenate([tails, 1 - tails]) * (samples - 1)).astype(int)
        rows = self._most - least + 1
        self._table = np.full((STEPS + 1, rows, 2, len(levels)), np.nan)

    def at(
        self, chances: ArrayLike, rows: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower and upper bounds, two arrays [k, levels].

        Parameters
        ----------
        chances : array [k]
            From 0 to 1.
        rows : array [k] of int
            At least `least`.
        """
        angle = np.arcsin(np.sqrt(chances)) * (2 * STEPS / np.pi)
        # At the ends there is nothing to simulate: the bounds of the nearest chance are wider.
        angle = np.clip(angle, 1, STEPS - 1)
        step = np.minimum(angle.astype(np.int64), STEPS - 2)
        for wanted in np.unique(np.append(step, step + 1)):
            if np.isnan(self._table[wanted, 0, 0, 0]):
                self._table[wanted] = self._simulate(math.sin(wanted * math.pi / 2 / STEPS) ** 2)
        row = np.minimum(rows, self._most) - self._least
        share = (angle - step)[:, None, None]
        bounds = (1 - share) * self._table[step, row] + share * self._table[step + 1, row]
        return bounds[:, 0], bounds[:, 1]

    def _simulate(self, chance: float) -> NDArray[np.float64]:
        random = np.random.default_rng(self._seed)
        rate = np.full(self._samples, BEGIN, np.float32)
        found = []
        for row in range(1, self._most + 1):
            rate *= np.float32(self._decay)
            rate += np.float32(1 - self._decay) * (
                random.random(self._samples, np.float32) < np.float32(chance)
            )
            if row >= self._least:
                found.append(np.partition(rate, self._ranks)[self._ranks].reshape(2, -1))
        return np.array(found, np.float64)


@lru_cache(maxsize=16)
def bounds(decay: float, levels: tuple[float, ...], least: int, samples: int, seed: int) -> Bounds:
    """Return `Bounds`, the same for the same parameters, so that all detectors share them."""
    return Bounds(decay, levels, least, samples, seed)
