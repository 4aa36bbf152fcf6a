"""Shapley values by kriging over coalitions that are chosen to tell most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np

from components.explainer.shapley.estimate import (
    Ask,
    Estimate,
    efficient,
    pair_differences,
    rounds,
    with_complements,
)
from components.explainer.shapley.game import all_coalitions

#: Variance that interactions of one more feature have, of that of one less.
DECAY = 0.2
#: Pairs among which those that are asked for are chosen.
POOL = 2048
#: Pairs that are chosen so; by then the errors are small.
MOST_CHOSEN = 768
#: Variance of a feature's own part while pairs are chosen: so large that it is not known at all.
_UNKNOWN = 1e4
#: Of the covariance's diagonal, for a stable solution, and from which a pair tells nothing new.
_JITTER, _KNOWN = 1e-10, 1e-9


def estimates(ask: Ask, players: int, budget: int, seed: int) -> Iterator[Estimate]:
    """Yield estimates from more and more coalitions, each with its complement.

    Notes
    -----
    As in paired KernelSHAP (Covert and Lee 2021), half the difference between a coalition and its
    complement is a sum of the features' own parts, plus interactions of three, five and more
    features. That remainder is modelled as a Gaussian process, in which interactions of one more
    feature have a fifth of the variance: universal kriging (Matheron 1969), a regression with
    correlated residuals. Shapley values are linear in it, so that their mean and variance given
    what was asked are known in closed form (Bayesian quadrature: O'Hagan 1991; for Shapley values,
    Touati, Radjef and Sais 2021). The variance does not depend on what is won but for its scale:
    each pair is chosen to lower it most, before anything is asked. An additive model is exact, and
    so is any if all pairs are known.
    """
    most = max(budget // 2, players + 2)
    if players <= most.bit_length():
        most = min(most, 1 << (players - 1))
    differences, ends = None, None
    done = 0
    for pairs in rounds(min(max(3 * players // 2, 8), most), most):
        chosen = design(players, pairs, max(POOL, 2 * most), seed)
        won = ask(with_complements(chosen[done:]))
        new = pair_differences(won)
        if ends is None or differences is None:
            # The first pair is that of all features and none.
            ends, differences = won[:, [pairs, 0]], new
        else:
            differences = np.concatenate([differences[: len(new)], new], axis=1)
        done = pairs
        yield _solved(chosen, differences, ends[: len(new), 0], ends[: len(new), 1])


def _solved(
    coalitions: np.ndarray, differences: np.ndarray, base: np.ndarray, predictions: np.ndarray
) -> Estimate:
    """Return the mean and the standard deviation of the values, given the pairs' differences."""
    pairs, players = coalitions.shape
    prior = _Prior.of(players)
    signs = np.where(coalitions, 0.5, -0.5)
    system = np.zeros((pairs + players, pairs + players))
    system[:pairs, :pairs] = prior.covariance(coalitions, coalitions)
    system[:pairs, :pairs] += (_JITTER * prior.scale) * np.eye(pairs)
    system[:pairs, pairs:], system[pairs:, :pairs] = signs, signs.T
    asked = np.concatenate([prior.with_values(coalitions), np.eye(players)])
    every = np.linalg.inv(system)
    solved = every @ asked
    values = np.einsum("rpk,pj->rjk", differences, solved[:pairs], optimize=True)
    variance = np.maximum(prior.value_variance - (asked * solved).sum(axis=0), 0.0)
    weighted = np.einsum("rpk,pq->rqk", differences, every[:pairs, :pairs], optimize=True)
    spread = (weighted * differences).sum(axis=1)
    scale = np.maximum(spread, 0.0) / max(pairs - players, 1)
    errors = np.sqrt(variance[np.newaxis, :, np.newaxis] * scale[:, np.newaxis])
    return Estimate(efficient(values, base, predictions), errors, base, predictions, 2 * pairs)


@lru_cache(maxsize=8)
def design(players: int, pairs: int, size: int, seed: int) -> np.ndarray:
    """Return coalitions, one of each pair, the most telling first.

    Parameters
    ----------
    players, pairs : int
    size : int
        Pairs among which they are chosen.
    seed : int

    Returns
    -------
    ndarray of bool, shape [pairs, players]
        All features come first, then each alone, whose mixed rows are often the same and cost
        little; then those that lower the variance of the values most, one by one, up to
        `MOST_CHOSEN`; then others, as they were drawn.
    """
    pool = _pool(players, size, seed)
    greedy = min(pairs, MOST_CHOSEN)
    prior = _Prior.of(players)
    signs = np.where(pool, 0.5, -0.5)
    shared = prior.with_values(pool) + _UNKNOWN * prior.scale * signs
    variance = prior.scale + _UNKNOWN * prior.scale * np.full(len(pool), players / 4)
    factors = np.empty((greedy, len(pool)))
    ties = 1 + 1e-6 * np.random.default_rng(seed).random(len(pool))
    free = np.ones(len(pool), bool)
    chosen: list[int] = []
    for step in range(greedy):
        if step <= players:
            best = step
        else:
            new = free & (variance > _KNOWN * prior.scale)
            gain = (shared**2).sum(axis=1) / np.maximum(variance, _KNOWN * prior.scale)
            best = int(np.where(new, gain * ties, np.where(free, 0.0, -1.0)).argmax())
        column = prior.covariance(pool, pool[[best]])[:, 0]
        column += _UNKNOWN * prior.scale * (signs @ signs[best])
        column -= factors[:step].T @ factors[:step, best]
        own = np.sqrt(max(column[best], _KNOWN * prior.scale))
        factors[step] = column / own
        shared = shared - np.outer(factors[step], shared[best] / own)
        variance = variance - factors[step] ** 2
        free[best] = False
        chosen.append(best)
    return pool[[*chosen, *np.flatnonzero(free)[: pairs - greedy]]]


def _pool(players: int, size: int, seed: int) -> np.ndarray:
    """Return coalitions of which no two are complements: all features, each alone, then others."""
    first = np.concatenate([np.ones((1, players), bool), np.eye(players, dtype=bool)])
    if 1 << (players - 1) <= size:
        others = all_coalitions(players)[1 << (players - 1) :]
    else:
        random = np.random.default_rng(seed)
        others = random.random((2 * size, players)) < random.random((2 * size, 1))
    both = np.concatenate([first, others])
    canonical = np.where(both[:, [-1]], both, ~both)
    places = np.unique(canonical, axis=0, return_index=True)[1]
    return both[np.sort(places)[:size]]


@dataclass(frozen=True)
class _Prior:
    """The Gaussian process of the interactions of three, five and more features.

    Attributes
    ----------
    by_distance : ndarray, shape [players + 1]
        Covariance of two coalitions by the number of features in just one of them.
    inside, outside : ndarray, shape [players + 1]
        Covariance of a coalition with the Shapley value of a feature in it, or out of it, by its
        size.
    value_variance : float
        Of a Shapley value.
    """

    by_distance: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    value_variance: float

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, players: int) -> _Prior:
        distance = np.arange(players + 1)
        near = (1 + DECAY) ** (players - distance) * (1 - DECAY) ** distance
        far = near[::-1]
        # Odd orders from three on: an even function has no Shapley values, and features' own
        # parts are in the regression.
        by_distance = (near - far) / 2 - DECAY * (players - 2 * distance)
        if players < 3:
            by_distance = np.zeros(players + 1)
        steps = by_distance[:-1] - by_distance[1:]
        inside, outside = np.zeros(players + 1), np.zeros(players + 1)
        for size in range(players + 1):
            if size > 0:
                inside[size] = _mean_step(steps, size - 1, players - size)
            if size < players:
                outside[size] = -_mean_step(steps, size, players - 1 - size)
        variance = float((inside[1:] - outside[:-1]).mean())
        return cls(by_distance, inside, outside, variance)

    @property
    def scale(self) -> float:
        """Variance of a coalition's interactions."""
        return float(self.by_distance[0]) or 1.0

    def covariance(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return that of coalitions [n, players] and [m, players], shape [n, m]."""
        a, b = one.astype(np.float64), other.astype(np.float64)
        distance = a.sum(axis=1)[:, np.newaxis] + b.sum(axis=1) - 2 * a @ b.T
        return np.asarray(self.by_distance[np.rint(distance).astype(np.int64)])

    def with_values(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the covariance of coalitions with the Shapley values, shape [n, players]."""
        size = coalitions.sum(axis=1)[:, np.newaxis]
        return np.asarray(np.where(coalitions, self.inside[size], self.outside[size]))


def _mean_step(steps: np.ndarray, within: int, beyond: int) -> float:
    """Return the mean over all coalitions of others, every size counting the same.

    Parameters
    ----------
    steps : ndarray
        Change by one more feature in common, by the distance that is left.
    within, beyond : int
        Other features in the coalition that is compared with, and out of it.
    """
    others = within + beyond
    total = 0.0
    for common in range(within + 1):
        for extra in range(beyond + 1):
            ways = comb(within, common) * comb(beyond, extra) / comb(others, common + extra)
            total += ways * steps[within - common + extra]
    return total / (others + 1)
