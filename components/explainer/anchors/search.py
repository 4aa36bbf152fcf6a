"""The search for the rule of a row that holds for most rows and decides nearly all alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.deadline import Deadline
from components.explainer import axes
from components.explainer.anchors.bandit import Arms
from components.explainer.anchors.config import AnchorsConfig
from components.explainer.decisions import Decisions
from components.explainer.intervals import Intervals
from components.explainer.problem import Problem
from components.models.subject import Columns


@dataclass(frozen=True)
class Rule:
    """A conjunction of what a row has in some features.

    Attributes
    ----------
    features : tuple of int
        Places of them.
    precision : float
        Share of the drawn rows that fulfil it for which the model decides alike.
    low : float
        Its lower bound.
    coverage : float
        Share of the background that fulfils it.
    samples : int
        Rows that were drawn.
    holds : bool
        Whether the precision is as high as asked for.
    """

    features: tuple[int, ...]
    precision: float
    low: float
    coverage: float
    samples: int
    holds: bool


class Sampler:
    """Draws rows that fulfil a rule, and asks the model about them.

    A row is one of the background, in which each feature of the rule has the value of a row that
    has it in the same interval or category; the explained row's own if there is none.

    Parameters
    ----------
    problem : Problem
    intervals : list of Intervals
    usual : dict of str to ndarray
        The background, in an order of its own.
    usual_codes : ndarray of int, shape [n, features]
    own : dict of str to ndarray, shape [1]
        The explained row.
    codes : ndarray of int, shape [features]
        Of it.
    """

    def __init__(
        self,
        problem: Problem,
        intervals: list[Intervals],
        usual: Columns,
        usual_codes: np.ndarray,
        own: Columns,
        codes: np.ndarray,
    ) -> None:
        self._problem, self._intervals, self._usual, self._own = problem, intervals, usual, own
        self.fulfilled = usual_codes == codes
        self._pools = [np.flatnonzero(each) for each in self.fulfilled.T]
        self._random = np.random.default_rng(problem.seed)
        self.drawn = 0

    def coverage(self, features: tuple[int, ...]) -> float:
        """Return the share of the background that fulfils a rule."""
        return float(self.fulfilled[:, features].all(axis=1).mean())

    def values(self, rules: list[tuple[int, ...]], count: int) -> np.ndarray:
        """Return what the model says of so many rows of each rule, [rules, count, outputs]."""
        self.drawn += len(rules) * count
        rows = self._random.integers(0, len(self.fulfilled), len(rules) * count)
        asked = axes.taken(self._usual, rows)
        for index, rule in enumerate(rules):
            place = slice(index * count, (index + 1) * count)
            for feature in rule:
                pool = self._pools[feature]
                among = pool[self._random.integers(0, len(pool), count)] if len(pool) else None
                for name in self._intervals[feature].axis.columns:
                    own, usual = self._own[name][0], self._usual[name]
                    asked[name][place] = own if among is None else usual[among]
        return axes.values_of(self._problem, asked).reshape(len(rules), count, -1)


def anchor(
    sampler: Sampler,
    decisions: Decisions,
    said: np.ndarray,
    config: AnchorsConfig,
    deadline: Deadline,
) -> Rule:
    """Return the rule of greatest coverage among the shortest that hold, or the most precise.

    Ribeiro, Singh and Guestrin, "Anchors" (2018), algorithm 2, but that it ends with the first
    size of which a rule holds: rules grow by a condition at a time; of each size the best few
    are told apart by KL-LUCB.

    Parameters
    ----------
    sampler : Sampler
    decisions : Decisions
    said : ndarray, shape [outputs]
        What the model says of the row.
    config : AnchorsConfig
    deadline : Deadline
        After it, or after ``samples``, the best so far is returned.
    """
    features = sampler.fulfilled.shape[1]

    def ended() -> bool:
        return deadline.passed or sampler.drawn >= config.samples

    def draw_of(rules: list[tuple[int, ...]]) -> Callable[[np.ndarray], np.ndarray]:
        def draw(arms: np.ndarray) -> np.ndarray:
            found = sampler.values([rules[arm] for arm in arms], config.batch)
            flat = found.reshape(-1, found.shape[2])
            return np.asarray(decisions.same(flat, said).reshape(len(arms), -1).sum(axis=1))

        return draw

    # As many bounds as are looked at must hold at once.
    delta = config.delta / (1 + (config.beam - 1) * features)

    def told(arms: Arms, rules: list[tuple[int, ...]], places: np.ndarray) -> list[Rule]:
        return [
            Rule(
                features=rules[arm],
                holds=arms.decide(arm, config.precision, config.slack, delta),
                precision=float(arms.means[arm]),
                low=arms.bounds(arm, delta)[0],
                coverage=sampler.coverage(rules[arm]),
                samples=int(arms.trials[arm]),
            )
            for arm in places.tolist()
        ]

    seen: list[Rule] = []
    rules: list[tuple[int, ...]] = [()]
    for _ in range(min(config.max_conditions, features) + 1):
        arms = Arms(len(rules), draw_of(rules), config.batch, ended)
        # Those that look well at once are no matter for the bandit.
        seen += told(arms, rules, np.flatnonzero(arms.means >= config.precision))
        if not any(rule.holds for rule in seen):
            kept = arms.best(min(config.beam, len(rules)), config.delta, config.difference)
            seen += told(arms, rules, kept)
        held = [rule for rule in seen if rule.holds]
        if held:
            return max(held, key=lambda rule: (rule.coverage, rule.low))
        rules = _longer([rules[arm] for arm in kept], features)
        if not rules or ended():
            break
    return max(seen, key=lambda rule: (rule.low, rule.coverage))


def _longer(rules: list[tuple[int, ...]], features: int) -> list[tuple[int, ...]]:
    found = {
        tuple(sorted({*rule, feature}))
        for rule in rules
        for feature in range(features)
        if feature not in rule
    }
    return sorted(found)
