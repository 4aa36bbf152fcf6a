"""Exact Shapley values and interactions, from what all coalitions win."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import comb

import numpy as np

from components.explainer.shapley.estimate import Ask, Estimate, efficient
from components.explainer.shapley.game import all_coalitions

#: Features up to which all coalitions, 4,096 of them, are asked for.
MOST_FEATURES = 12


def estimates(ask: Ask, players: int, _budget: int, _seed: int) -> Iterator[Estimate]:
    """Yield the values once, without error."""
    won = ask(all_coalitions(players))
    base, predictions = won[:, 0], won[:, -1]
    values = efficient(np.einsum("rmk,mj->rjk", won, weights(players)), base, predictions)
    yield Estimate(values, np.zeros_like(values), base, predictions, won.shape[1])


@lru_cache(maxsize=4)
def weights(players: int) -> np.ndarray:
    """Return what each coalition's win counts for each feature, shape [2^players, players].

    Shapley (1953): a feature's value is the mean of what it adds to coalitions, those of every
    size counting the same.
    """
    inside = all_coalitions(players)
    size = inside.sum(axis=1)
    with_it = np.array([0, *(1 / (players * comb(players - 1, s)) for s in range(players))])
    without = np.append(with_it[1:], 0)
    gained, missed = with_it[size][:, np.newaxis], without[size][:, np.newaxis]
    return np.asarray(np.where(inside, gained, -missed))


def interactions(won: np.ndarray, players: int) -> np.ndarray:
    """Return how much of a prediction is due to pairs of features.

    Parameters
    ----------
    won : ndarray, shape [rows, 2^players, outputs]
        What all coalitions win, in the order of `all_coalitions`.
    players : int

    Returns
    -------
    ndarray, shape [rows, players, players, outputs]
        SHAP interaction values (Lundberg et al. 2020, "From local explanations to global
        understanding with explainable AI for trees"): off the diagonal half of the Shapley
        interaction index (Grabisch and Roubens 1999), on it what a feature does by itself. A
        feature's row sums up to its Shapley value.
    """
    shapley = np.einsum("rmk,mj->rjk", won, weights(players))
    found = np.zeros((won.shape[0], players, players, won.shape[2]))
    numbers = np.arange(1 << players)
    sizes = all_coalitions(players).sum(axis=1)
    for i in range(players):
        for j in range(i):
            rest = numbers[(numbers >> i & 1 == 0) & (numbers >> j & 1 == 0)]
            # Coalitions of every size count the same here too.
            share = np.array([1 / ((players - 1) * comb(players - 2, s)) for s in sizes[rest]])
            one, other = 1 << i, 1 << j
            more = won[:, rest | one | other] - won[:, rest | one] - won[:, rest | other]
            index = np.einsum("rmk,m->rk", more + won[:, rest], share)
            found[:, i, j] = found[:, j, i] = index / 2
    diagonal = np.arange(players)
    found[:, diagonal, diagonal] = shapley - found.sum(axis=2)
    return found
