"""The space of a search: chains of recipes, and the settings that their recipes have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from components.compressor.config import (
    CONVERT,
    JOIN,
    STAGES,
    CompressorConfig,
    RecipesConfig,
    check_chain,
)
from components.strategies.search_space import Parameter, SearchSpace, Values

#: The parameter that names the chain.
CHAIN = "chain"
#: The section of settings that all recipes share which train.
_SHARED = "fine_tuning"


def space(config: CompressorConfig) -> SearchSpace:
    """Return the search space of a config: a setting is active in the chains that use it."""
    parameters = [_parameter(CHAIN, config.chains, ())]
    for setting, values in config.space.items():
        section = setting.partition(".")[0]
        users = frozenset(
            chain for chain in config.chains if section in sections(check_chain(chain))
        )
        if users:
            parameters.append(_parameter(setting, values, ((CHAIN, users),)))
    return SearchSpace(parameters)


def _parameter(name: str, values: tuple[Any, ...], conditions: Any) -> Parameter:
    levels = tuple(dict.fromkeys(values))
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in levels)
    if numbers:
        levels = tuple(sorted(levels))
    return Parameter(
        name=name,
        conditions=conditions,
        levels=levels,
        ordered=numbers and len(levels) > 1,
        continuous=False,
        source=None,
    )


def sections(recipes: Iterable[str]) -> set[str]:
    """Return the sections of settings that some recipes depend on."""
    used = set(recipes)
    named = {recipe for recipe in used if recipe in RecipesConfig.model_fields}
    # deep_compression has a training of its own.
    trains = any(STAGES[recipe] < CONVERT for recipe in used - {"deep_compression"})
    return named | ({_SHARED} if trains else set())


def recipes_of(values: Values) -> tuple[str, ...]:
    """Return the recipes of a point's chain."""
    return check_chain(values[CHAIN])


def settings_of(values: Values) -> dict[str, Any]:
    """Return a point's values of the recipes' settings."""
    return {name: value for name, value in values.items() if name != CHAIN}


def title(values: Values) -> str:
    """Return a point's name for people.

    Examples
    --------
    >>> title({"chain": "pruning+int8", "pruning.sparsity": 0.9})
    'pruning + int8 (pruning.sparsity 0.9)'
    """
    settings = ", ".join(f"{name} {value}" for name, value in settings_of(values).items())
    chain = f" {JOIN} ".join(recipes_of(values))
    return f"{chain} ({settings})" if settings else chain
