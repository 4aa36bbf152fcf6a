"""A strategy, made from the config."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras_tuner

from components.errors import InputError
from components.naming import nearest
from components.strategies.oracle import EarlierTrial, SearchOracle, StrategyOracle
from components.strategies.search_space import SearchSpace
from components.strategies.table import STRATEGIES
from components.tuner.config import TunerConfig
from components.tuner.space import check_grid

#: The options of KerasTuner's own oracle.
_HYPERBAND_OPTIONS = ("factor", "hyperband_iterations", "max_epochs")
#: Failures in a row after which KerasTuner would end a search: never.
_FAILURES = 10**9


def option_names(strategy: str) -> tuple[str, ...]:
    """Return the names of a strategy's own settings."""
    oracle = STRATEGIES[strategy]
    if not issubclass(oracle, StrategyOracle):
        return _HYPERBAND_OPTIONS
    parameters = inspect.signature(oracle.STRATEGY).parameters.values()
    return tuple(each.name for each in parameters if each.kind is each.KEYWORD_ONLY)


def prepare(
    config: TunerConfig, hyperparameters: keras_tuner.HyperParameters
) -> Callable[[Sequence[EarlierTrial]], SearchOracle]:
    """Return a function that takes earlier trials and makes the strategy.

    Raises
    ------
    InputError
        The strategy has no such option, or the space is too large for it.
    """
    valid = option_names(config.strategy)
    for name in config.options:
        if name not in valid:
            raise InputError(
                f"The strategy {config.strategy} has no option {name!r}{nearest(name, valid)}.",
                setting=f"tuner.options.{name}",
                expected=", ".join(valid) or "no options",
            )
    if config.strategy == "grid":
        check_grid(SearchSpace.from_hyperparameters(hyperparameters), config.budget.trials)
    options: dict[str, Any] = dict(config.options)
    if config.strategy == "hyperband" and config.training is not None:
        options.setdefault("max_epochs", config.training.epochs)

    def make(earlier: Sequence[EarlierTrial]) -> SearchOracle:
        return STRATEGIES[config.strategy](
            keras_tuner.Objective("score", "max"),
            hyperparameters.copy(),
            seed=config.seed,
            max_trials=config.budget.trials,
            warm_start=earlier,
            max_consecutive_failed_trials=_FAILURES,
            **options,
        )

    return make
