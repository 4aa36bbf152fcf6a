"""The search among chains of recipes: until a candidate meets the constraint, or all are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from components.compressor import choice
from components.compressor.config import CompressorConfig
from components.compressor.workbench import SOURCE, Candidate
from components.errors import InputError
from components.strategies.search_space import SearchSpace, Values

#: Takes a point that was tried, and the score it has.
Observe = Callable[[Values, float | None], None]


@dataclass
class Found:
    """What a search has found.

    Attributes
    ----------
    candidates : list of Candidate
        The first is the source model as it is.
    failures : dict of str to str
        Why a point has no candidate, by its title.
    chosen : int
        Index into `candidates`.
    met : bool
        Whether that one meets the constraint.
    ended : str
        Why the search ended there.
    """

    candidates: list[Candidate] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    chosen: int = 0
    met: bool = False
    ended: str = ""


def run(
    space: SearchSpace,
    make: Callable[[Values], Candidate],
    title: Callable[[Values], str],
    config: CompressorConfig,
    report: Callable[[int, str], None],
) -> Found:
    """Make candidates and choose one.

    Parameters
    ----------
    space : SearchSpace
    make : callable
        Makes the candidate of a point; an `InputError` says that its recipes do not fit the
        model, and the search goes on without it.
    title : callable
        Name of a point for people.
    config : CompressorConfig
    report : callable
        Takes the number of the point that is tried next, and its title.

    Raises
    ------
    InputError
        Not even the source model can be converted.
    """
    found, constraint, budget = Found(), config.constraint, config.budget
    report(0, "float32")
    found.candidates.append(make(SOURCE))
    size = found.candidates[0].figures.bytes
    started = time.monotonic()
    found.ended = "every point of the space was tried"
    points, observe = _points(space, config)
    for tried, values in enumerate(points, 1):
        report(tried, title(values))
        score = None
        try:
            candidate = make(values)
        except InputError as problem:
            found.failures[title(values)] = str(problem)
        else:
            found.candidates.append(candidate)
            score = choice.score(candidate.figures, constraint, size)
            if constraint.ends_the_search and not choice.violations(candidate.figures, constraint):
                found.ended = "a candidate meets the constraint"
                break
        observe(values, score)
        if budget.candidates is not None and tried >= budget.candidates:
            found.ended = f"the budget of {budget.candidates} candidates is used up"
            break
        if budget.seconds is not None and time.monotonic() - started >= budget.seconds:
            found.ended = f"the budget of {budget.seconds:g} s is used up"
            break
    figures = [candidate.figures for candidate in found.candidates]
    found.chosen = choice.best(figures, constraint)
    found.met = not choice.violations(figures[found.chosen], constraint)
    return found


def _points(space: SearchSpace, config: CompressorConfig) -> tuple[Iterator[Values], Observe]:
    """Return the points to try, and who wants to hear of their scores."""
    if config.strategy == "grid":
        return space.points(), lambda values, score: None
    from components.strategies.oracle import StrategyOracle  # late: KerasTuner takes seconds
    from components.strategies.table import STRATEGIES

    oracle = STRATEGIES[config.strategy]
    assert issubclass(oracle, StrategyOracle)
    strategy = oracle.STRATEGY(space, config.seed)
    return iter(strategy.propose, None), strategy.observe
