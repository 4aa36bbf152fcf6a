"""Paired KernelSHAP: Shapley values as the solution of a weighted regression on coalitions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.explainer.shapley.estimate import (
    Ask,
    Estimate,
    efficient,
    pair_differences,
    rounds,
    with_complements,
)


def estimates(ask: Ask, players: int, budget: int, seed: int) -> Iterator[Estimate]:
    """Yield estimates from more and more coalitions, each drawn with its complement.

    Notes
    -----
    The regression of Lundberg and Lee (2017, "A unified approach to interpreting model
    predictions", theorem 2), sampled in pairs as Covert and Lee (2021, "Improving KernelSHAP"),
    who show that this halves the error or better. Of a pair only the difference matters, from
    which interactions of an even number of features have vanished. Errors are those of a
    regression with residuals of unequal size (White 1980). All rows share the coalitions and one
    factorisation.
    """
    drawn, counts = _draw(players, (budget - 2) // 2, seed)
    ends = ask(np.array([np.zeros(players, bool), np.ones(players, bool)]))
    base, predictions = ends[:, 0], ends[:, 1]
    differences = np.empty((len(base), 0, base.shape[1]))
    done = 0
    for pairs in rounds(max(2 * players, 8), len(drawn)):
        new = pair_differences(ask(with_complements(drawn[done:pairs])))
        differences = np.concatenate([differences[: len(new)], new], axis=1)
        done = pairs
        yield _solved(
            drawn[:pairs], counts[:pairs], differences, base[: len(new)], predictions[: len(new)]
        )


def _draw(players: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return different coalitions [pairs, players], and how often each was drawn."""
    random = np.random.default_rng(seed)
    sizes = np.arange(1, players)
    chances = 1 / (sizes * (players - sizes))
    chances = chances / chances.sum()
    wanted = min(pairs, (1 << (players - 1)) - 1)
    counts: dict[bytes, int] = {}
    # Every feature alone first: the regression then always has a solution.
    for single in np.eye(players, dtype=bool)[:wanted]:
        counts[_canonical(single).tobytes()] = 1
    while len(counts) < wanted:
        coalition = np.zeros(players, bool)
        coalition[random.permutation(players)[: random.choice(sizes, p=chances)]] = True
        key = _canonical(coalition).tobytes()
        counts[key] = counts.get(key, 0) + 1
    drawn = np.frombuffer(b"".join(counts), bool).reshape(-1, players)
    return drawn, np.array(list(counts.values()), np.float64)


def _canonical(coalition: np.ndarray) -> np.ndarray:
    return coalition if coalition[0] else ~coalition


def _solved(
    coalitions: np.ndarray,
    counts: np.ndarray,
    differences: np.ndarray,
    base: np.ndarray,
    predictions: np.ndarray,
) -> Estimate:
    """Solve the regression of all rows, under the constraint that values sum up."""
    players = coalitions.shape[1]
    signs = coalitions - 0.5
    total = predictions - base
    # The constraint is met by an even division; what is left has no sum.
    even = np.ones((players, 1)) / players
    basis = np.linalg.svd(np.ones((1, players)))[2][1:].T
    design = signs @ basis
    target = differences - (signs @ even)[np.newaxis] * total[:, np.newaxis]
    inverse = np.linalg.pinv((design * counts[:, np.newaxis]).T @ design)
    solver = basis @ inverse @ (design * counts[:, np.newaxis]).T
    free = np.einsum("jp,rpk->rjk", solver, target)
    residuals = target - np.einsum("pj,rjk->rpk", signs, free)
    spare = max(len(coalitions) - players + 1, 1) / len(coalitions)
    errors = np.sqrt(np.einsum("jp,rpk->rjk", solver**2, residuals**2) / spare)
    values = efficient(free + total[:, np.newaxis] / players, base, predictions)
    return Estimate(values, errors, base, predictions, 2 * len(coalitions) + 2)
