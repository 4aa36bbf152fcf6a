"""Estimates round by round, until they are good enough or the time is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from components.deadline import Deadline
from components.explainer.shapley import exact, kernel, kriging, permutation
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.shapley.estimate import Estimate, Estimator
from components.explainer.shapley.game import Game

ESTIMATORS: dict[str, Estimator] = {
    "exact": exact.estimates,
    "kriging": kriging.estimates,
    "kernel": kernel.estimates,
    "permutation": permutation.estimates,
}
#: Numbers that all coalitions of a block of rows win, for exact values.
BLOCK_NUMBERS = 1 << 22


def plan(players: int, config: ShapleyConfig, notes: list[str]) -> tuple[str, int]:
    """Return the name of the estimator, and how many coalitions it has."""
    name: str = config.method
    if name == "auto":
        name = "exact" if players <= exact.MOST_FEATURES else "kriging"
    elif name == "exact" and players > exact.MOST_FEATURES:
        name = "kriging"
        notes.append(
            f"Values are estimated: exact ones of {players} features would take "
            f"{2.0**players:,.0f} coalitions; they are computed for at most {exact.MOST_FEATURES}."
        )
    elif players <= 2 or config.coalitions >= 2.0**players:
        name = "exact"
    least = 2 * players + 4
    if name != "exact" and config.coalitions < least:
        notes.append(
            f"{least} coalitions are taken, not {config.coalitions}: {players} features need them."
        )
    return name, max(config.coalitions, least)


class _OutOfTimeError(Exception):
    """The time is over, and there is an estimate already."""


def estimated(
    game: Game,
    rows: np.ndarray,
    name: str,
    budget: int,
    seed: int,
    config: ShapleyConfig,
    deadline: Deadline,
    notes: list[str],
) -> Estimate:
    """Return the values of the rows, or of the first of them if time was over before."""
    if name == "exact":
        estimate = joined(_blocks(game, rows, budget, seed, deadline))
    else:
        estimate = _converged(game, rows, name, budget, seed, config, deadline, notes)
    if len(estimate.values) < len(rows):
        notes.append(
            f"Only {len(estimate.values):,} of {len(rows):,} rows are explained: the time was over."
        )
    return estimate


def _blocks(
    game: Game, rows: np.ndarray, budget: int, seed: int, deadline: Deadline
) -> Iterator[Estimate]:
    """Yield exact values of one block of rows after the other."""
    step = max(1, BLOCK_NUMBERS >> game.players)
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        deadline.report(start / len(rows), f"all {2**game.players:,} coalitions")

        def ask(coalitions: np.ndarray, block: np.ndarray = block) -> np.ndarray:
            return game.values(coalitions, block, lambda: deadline.passed)

        [estimate] = exact.estimates(ask, game.players, budget, seed)
        yield estimate
        if deadline.passed:
            return


def joined(blocks: Iterable[Estimate]) -> Estimate:
    """Return the estimates of one block of rows after the other as one."""
    parts = list(blocks)

    def every(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    values, errors = every("values"), every("errors")
    return Estimate(values, errors, every("base"), every("predictions"), parts[0].coalitions)


def _converged(
    game: Game,
    rows: np.ndarray,
    name: str,
    budget: int,
    seed: int,
    config: ShapleyConfig,
    deadline: Deadline,
    notes: list[str],
) -> Estimate:
    """Return the estimate of the first round that is good enough, or of the last in time."""
    estimate: Estimate | None = None

    def ask(coalitions: np.ndarray) -> np.ndarray:
        won = game.values(coalitions, rows, lambda: deadline.passed)
        if estimate is not None and len(won) < len(estimate.values):
            raise _OutOfTimeError
        return won

    try:
        for estimate in ESTIMATORS[name](ask, game.players, budget, seed):
            rows = rows[: len(estimate.values)]
            deadline.report(estimate.coalitions / budget, f"{estimate.coalitions:,} coalitions")
            if estimate.relative_error <= config.tolerance:
                return estimate
            if deadline.passed:
                raise _OutOfTimeError
    except _OutOfTimeError:
        assert estimate is not None
        notes.append(
            f"The time was over after {estimate.coalitions:,} of {budget:,} coalitions: standard "
            "errors are wider."
        )
        return estimate
    assert estimate is not None
    notes.append(
        f"Values have not converged after {estimate.coalitions:,} coalitions: their standard "
        f"error is {estimate.relative_error:.1%} of a row's range, not "
        f"{config.tolerance:.1%}. Raise explainer.shapley.coalitions."
    )
    return estimate
