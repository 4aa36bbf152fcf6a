"""A search space: its parameters, when each is active, and how to move in it.

Built once from KerasTuner's `HyperParameters`; the strategies see nothing else of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Active values by name.
Values = dict[str, Any]
#: Length of a random step of an ordered parameter, as a share of its range.
STEP = 0.2


@dataclass(frozen=True)
class Parameter:
    """One tunable value.

    Attributes
    ----------
    name : str
    conditions : tuple of (str, frozenset)
        The parameter is active if each named parent is active and has one of the values.
    levels : tuple
        All its values; a few, spread evenly, where `continuous`.
    ordered : bool
        Whether neighbouring values are alike.
    continuous : bool
        Whether it has other values besides its `levels`.
    source : object
        KerasTuner's own parameter, which maps values to [0, 1) and back.
    """

    name: str
    conditions: tuple[tuple[str, frozenset[Any]], ...]
    levels: tuple[Any, ...]
    ordered: bool
    continuous: bool
    source: Any

    def is_active(self, values: Values) -> bool:
        """Tell whether the parameter has a value beside these."""
        return all(name in values and values[name] in allowed for name, allowed in self.conditions)

    def contains(self, value: Any) -> bool:
        """Tell whether `value` is one of the parameter's values."""
        if not self.continuous:
            return value in self.levels
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        low, high = self.source.min_value, self.source.max_value
        whole = not isinstance(self.levels[0], int) or isinstance(value, int)
        return bool(whole and low <= value <= high)

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a value: uniform on the parameter's own (linear or log) scale."""
        if self.continuous:
            return self.source.prob_to_value(rng.random())
        return self.levels[int(rng.random() * len(self.levels))]

    def step(self, value: Any, length: float) -> Any:
        """Go `length` of the range up (or down if negative), one level at least.

        A step over an end comes back by as much.
        """
        if self.continuous:
            share = _reflect(float(self.source.value_to_prob(value)) + length)
            return self.source.prob_to_value(min(share, math.nextafter(1.0, 0.0)))
        last = len(self.levels) - 1
        levels = max(round(abs(length) * len(self.levels)), 1)
        index = self.levels.index(value) + int(math.copysign(levels, length))
        # Reflected at the middle of the end levels, so that they are not passed over.
        return self.levels[round(_reflect(index / last) * last)]

    def change(self, value: Any, rng: np.random.Generator) -> Any:
        """Draw another value: near by if the parameter is ordered, else any other."""
        if self.ordered:
            return self.step(value, float(rng.normal(0.0, STEP)))
        others = [level for level in self.levels if level != value]
        return others[int(rng.random() * len(others))]

    def neighbours(self, value: Any, rng: np.random.Generator) -> list[Any]:
        """Return the values next to `value`: one step up and down if ordered, else all others."""
        if not self.ordered:
            return [level for level in self.levels if level != value]
        length = STEP * rng.random() if self.continuous else 1.0 / len(self.levels)
        found = [self.step(value, -length), self.step(value, length)]
        return [other for other in dict.fromkeys(found) if other != value]


class SearchSpace:
    """The parameters of a search, parents before their children.

    Parameters
    ----------
    parameters : iterable of Parameter
    """

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self.finite = not any(parameter.continuous for parameter in self.parameters)

    @classmethod
    def from_hyperparameters(cls, hyperparameters: Any) -> SearchSpace:
        """Read the space of KerasTuner's `HyperParameters`."""
        return cls(_parameter(hp) for hp in hyperparameters.space)

    def key(self, values: Values) -> str:
        """Return the identity of a point."""
        return json.dumps(values, sort_keys=True)

    def complete(self, values: Values, rng: np.random.Generator) -> Values:
        """Return `values` with what is inactive left out and what is missing drawn."""
        complete: Values = {}
        for parameter in self.parameters:
            if parameter.is_active(complete):
                name = parameter.name
                kept = name in values and parameter.contains(values[name])
                complete[name] = values[name] if kept else parameter.sample(rng)
        return complete

    def contains(self, values: Values) -> bool:
        """Tell whether `values` are a point: all active parameters, no other, each in range."""
        point: Values = {}
        for parameter in self.parameters:
            name = parameter.name
            if parameter.is_active(point):
                if name not in values or not parameter.contains(values[name]):
                    return False
                point[name] = values[name]
        return len(point) == len(values)

    def sample(self, rng: np.random.Generator) -> Values:
        """Draw a point."""
        return self.complete({}, rng)

    def tunable(self, values: Values) -> list[Parameter]:
        """Return the parameters that are active at a point and have another value."""
        return [
            parameter
            for parameter in self.parameters
            if len(parameter.levels) > 1 and parameter.is_active(values)
        ]

    def mutate(self, values: Values, rng: np.random.Generator) -> Values:
        """Change one active parameter; parameters that this activates are drawn."""
        choices = self.tunable(values)
        if not choices:
            return dict(values)
        parameter = choices[int(rng.random() * len(choices))]
        changed = parameter.change(values[parameter.name], rng)
        return self.complete({**values, parameter.name: changed}, rng)

    def neighbours(self, values: Values, rng: np.random.Generator) -> list[Values]:
        """Return the points that differ in one active parameter, in random order."""
        found = [
            self.complete({**values, parameter.name: other}, rng)
            for parameter in self.tunable(values)
            for other in parameter.neighbours(values[parameter.name], rng)
        ]
        return [found[index] for index in rng.permutation(len(found))]

    def points(self) -> Iterator[Values]:
        """Walk the grid of all levels, each point once."""
        return self._points(0, {})

    def _points(self, index: int, values: Values) -> Iterator[Values]:
        if index == len(self.parameters):
            yield values
            return
        parameter = self.parameters[index]
        if not parameter.is_active(values):
            yield from self._points(index + 1, values)
            return
        for level in parameter.levels:
            yield from self._points(index + 1, {**values, parameter.name: level})

    def size(self) -> int:
        """Count the points of the grid, without walking it."""
        parents = {name for parameter in self.parameters for name, _ in parameter.conditions}
        return self._size(0, {}, parents)

    def _size(self, index: int, values: Values, parents: set[str]) -> int:
        factor = 1
        for position in range(index, len(self.parameters)):
            parameter = self.parameters[position]
            if not parameter.is_active(values):
                continue
            if parameter.name in parents:
                return factor * sum(
                    self._size(position + 1, {**values, parameter.name: level}, parents)
                    for level in parameter.levels
                )
            factor *= len(parameter.levels)
        return factor


def _parameter(hp: Any) -> Parameter:
    # Choices and Booleans have neither; a number without a step has any value in its range.
    continuous = hasattr(hp, "min_value") and hp.step is None
    levels = dict.fromkeys(hp.values)
    return Parameter(
        name=hp.name,
        conditions=tuple((each.name, frozenset(each.values)) for each in hp.conditions),
        levels=tuple(sorted(levels) if continuous else levels),
        ordered=hasattr(hp, "min_value") or bool(getattr(hp, "ordered", False)),
        continuous=continuous and hp.min_value < hp.max_value,
        source=hp,
    )


def _reflect(share: float) -> float:
    """Fold a number into [0, 1] at both ends."""
    share = abs(share) % 2.0
    return 2.0 - share if share > 1.0 else share
