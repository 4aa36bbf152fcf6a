"""Antithetic permutation sampling: what features add when they join one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.explainer.shapley.estimate import Ask, Estimate, efficient, rounds


def estimates(ask: Ask, players: int, budget: int, seed: int) -> Iterator[Estimate]:
    """Yield estimates from more and more permutations, each with its reverse.

    Notes
    -----
    Castro, Gómez and Tejada (2009, "Polynomial calculation of the Shapley value based on
    sampling"); each permutation is also walked backwards (Mitchell et al. 2022, "Sampling
    permutations for Shapley value estimation"). Such a pair takes 2 (features - 1) coalitions, and
    standard errors come from the spread between pairs.
    """
    random = np.random.default_rng(seed)
    most = max(2, (budget - 2) // max(2 * (players - 1), 1))
    orders = np.stack([random.permutation(players) for _ in range(most)])
    ends = ask(np.array([np.zeros(players, bool), np.ones(players, bool)]))
    gains = np.empty((len(ends), 0, players, ends.shape[2]))
    done = 0
    for pairs in rounds(4, most):
        new = _gains(ask, orders[done:pairs], ends)
        gains = np.concatenate([gains[: len(new)], new], axis=1)
        done = pairs
        base, predictions = ends[: len(new), 0], ends[: len(new), 1]
        errors = gains.std(axis=1, ddof=1) / np.sqrt(pairs)
        values = efficient(gains.mean(axis=1), base, predictions)
        yield Estimate(values, errors, base, predictions, 2 * (players - 1) * pairs + 2)


def _gains(ask: Ask, orders: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return what features add in the mean of both ways, [rows, orders, players, outputs]."""
    pairs, players = orders.shape
    ranks = np.argsort(orders, axis=1)
    steps = np.arange(1, players)
    # Of the first features of each order; backwards, the first are the last.
    forwards = ranks[:, np.newaxis] < steps[:, np.newaxis]
    coalitions = np.concatenate([forwards, ~forwards[:, ::-1]]).reshape(-1, players)
    won = ask(coalitions) if players > 1 else np.empty((len(ends), 0, ends.shape[2]))
    walked = won.reshape(len(won), 2 * pairs, players - 1, -1)
    first, last = (
        np.broadcast_to(ends[: len(won), np.newaxis, [end]], (*walked.shape[:2], 1, ends.shape[2]))
        for end in (0, 1)
    )
    added = np.diff(np.concatenate([first, walked, last], axis=2), axis=2)
    rows = np.arange(pairs)[:, np.newaxis]
    there = added[:, :pairs][:, rows, ranks]
    back = added[:, pairs:][:, rows, players - 1 - ranks]
    return np.asarray((there + back) / 2)
