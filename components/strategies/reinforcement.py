"""Reinforcement learning: a policy over values, trained by REINFORCE."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import Parameter, SearchSpace, Values
from components.strategies.strategy import Strategy

#: Bins that stand for the values of an ordered parameter with more of them.
BINS = 10
#: Draws of tried points from the policy, before a uniform draw.
DRAWS = 50
#: What each of them adds to the temperature of the next, which is one at first.
WARMING = 0.1


class ReinforcementStrategy(Strategy):
    """Draw each active value from a softmax; raise the odds of what scored well.

    Parameters
    ----------
    space : SearchSpace
    seed : int
    learning_rate : float
        Step of gradient ascent on the logits, for an advantage of one deviation.
    decay : float
        Weight of the past in the moving averages of the score and of its deviation.
    entropy : float
        Weight of the entropy bonus, which keeps the policy from settling too soon.

    Notes
    -----
    The gradient of one trial is ``advantage * grad log p(values) + entropy * grad H`` over the
    parameters that were active in it, where the advantage is the score less its moving average,
    in units of its mean absolute deviation and at most two: scores of any scale do. A failed
    trial counts as one deviation below the average.

    The policy has one softmax for each parameter where the paper has a recurrent network: a
    budget of a hundred trials trains no network. Ordered parameters with many values are drawn
    by bin, then uniformly inside it. A policy that has settled on tried points is drawn from at
    a rising temperature, and so proposes what is near them.

    References
    ----------
    Zoph, B. and Le, Q. V. (2017). Neural architecture search with reinforcement learning. ICLR.
    Williams, R. J. (1992). Simple statistical gradient-following algorithms for connectionist
    reinforcement learning. Machine Learning 8.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        learning_rate: float = 0.5,
        decay: float = 0.9,
        entropy: float = 0.1,
    ) -> None:
        super().__init__(space, seed)
        self.learning_rate = learning_rate
        self.decay = decay
        self.entropy = entropy
        self.logits = [np.zeros(_bins(parameter)) for parameter in space.parameters]
        self.baseline: float | None = None
        self.deviation = 0.0

    def _next(self) -> Values | None:
        for draw in range(DRAWS):
            values = self._draw(1.0 + WARMING * draw)
            if not self.is_tried(values):
                return values
        return self.sample_untried()

    def _draw(self, temperature: float) -> Values:
        values: Values = {}
        for parameter, logits in zip(self.space.parameters, self.logits, strict=True):
            if parameter.is_active(values):
                cumulative = np.cumsum(_softmax(logits / temperature))
                drawn = int(np.searchsorted(cumulative, self.rng.random() * cumulative[-1]))
                values[parameter.name] = _value(parameter, drawn, len(logits), self.rng)
        return values

    def _learn(self, values: Values, score: float | None) -> None:
        advantage = self._advantage(score)
        for index, parameter in enumerate(self.space.parameters):
            if parameter.is_active(values):
                logits = self.logits[index]
                share = _softmax(logits)
                chosen = np.zeros(len(logits))
                chosen[_bin(parameter, values[parameter.name], len(logits))] = 1.0
                surprise = -np.log(share)
                gradient = advantage * (chosen - share)
                gradient += self.entropy * share * (surprise - share @ surprise)
                self.logits[index] = logits + self.learning_rate * gradient

    def _advantage(self, score: float | None) -> float:
        if score is None:
            return 0.0 if self.baseline is None else -1.0
        if self.baseline is None:
            self.baseline = score
            return 0.0
        difference = score - self.baseline
        self.baseline += (1.0 - self.decay) * difference
        if self.deviation == 0.0:
            self.deviation = abs(difference)
        else:
            self.deviation += (1.0 - self.decay) * (abs(difference) - self.deviation)
        if self.deviation == 0.0:
            return 0.0
        return float(np.clip(difference / self.deviation, -2.0, 2.0))

    def get_state(self) -> dict[str, Any]:
        return {
            **super().get_state(),
            "logits": [logits.tolist() for logits in self.logits],
            "baseline": self.baseline,
            "deviation": self.deviation,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.logits = [np.array(logits) for logits in state["logits"]]
        self.baseline = state["baseline"]
        self.deviation = state["deviation"]


class ReinforcementOracle(StrategyOracle):
    """REINFORCE behind KerasTuner's interface."""

    STRATEGY = ReinforcementStrategy


def _bins(parameter: Parameter) -> int:
    if parameter.continuous:
        return BINS
    return min(len(parameter.levels), BINS) if parameter.ordered else len(parameter.levels)


def _value(parameter: Parameter, drawn: int, bins: int, rng: np.random.Generator) -> Any:
    if parameter.continuous:
        return parameter.source.prob_to_value((drawn + rng.random()) / bins)
    levels = parameter.levels
    # The levels whose bin is `drawn`, by `_bin`.
    first = -(-drawn * len(levels) // bins)
    last = -(-(drawn + 1) * len(levels) // bins)
    return levels[first + int(rng.random() * (last - first))]


def _bin(parameter: Parameter, value: Any, bins: int) -> int:
    if parameter.continuous:
        return min(max(int(parameter.source.value_to_prob(value) * bins), 0), bins - 1)
    return parameter.levels.index(value) * bins // len(parameter.levels)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
