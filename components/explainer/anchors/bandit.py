"""Which of several arms succeed most often, by as few trials as that takes: KL-LUCB.

Kaufmann and Kalyanakrishnan, "Information Complexity in Bandit Subset Selection" (2013).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Halvings by which a bound is found.
HALVINGS = 25
#: Constants of the exploration rate (ibid., theorem 2).
ALPHA, K = 1.1, 405.5


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the Kullback-Leibler divergence of Bernoulli distributions."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    q = np.clip(q, 1e-15, 1 - 1e-15)
    found: np.ndarray = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return found


def upper(means: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the greatest rates whose divergence from the means is within a level."""
    return _bound(means, np.ones_like(means), level)


def lower(means: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the least rates whose divergence from the means is within a level."""
    return _bound(means, np.zeros_like(means), level)


def _bound(means: np.ndarray, far: np.ndarray, level: np.ndarray) -> np.ndarray:
    near, far = means.copy(), far.copy()
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        within = divergence(means, middle) <= level
        near, far = np.where(within, middle, near), np.where(within, far, middle)
    return near


class Arms:
    """Arms with what is known of them.

    Parameters
    ----------
    count : int
    draw : callable
        Places of arms to the successes of a batch of trials of each.
    batch : int
        Trials of an arm in a batch.
    ended : callable
        Whether no more trials may be made.
    """

    def __init__(
        self,
        count: int,
        draw: Callable[[np.ndarray], np.ndarray],
        batch: int,
        ended: Callable[[], bool],
    ) -> None:
        self.trials, self.successes = np.zeros(count), np.zeros(count)
        self._draw, self._batch, self._ended = draw, batch, ended
        self.try_out(np.arange(count))

    def try_out(self, arms: np.ndarray) -> None:
        """Make a batch of trials of each of some arms."""
        self.successes[arms] += self._draw(arms)
        self.trials[arms] += self._batch

    @property
    def means(self) -> np.ndarray:
        """Share of successes of each arm."""
        found: np.ndarray = self.successes / self.trials
        return found

    def best(self, count: int, delta: float, difference: float) -> np.ndarray:
        """Return the places of the best arms, the best first.

        With a chance of at least 1 - delta none of them is worse by more than `difference` than
        one that is left out; unless the trials end before.
        """
        arms = len(self.trials)
        step = 1
        while True:
            order = np.argsort(-self.means, kind="stable")
            inside, outside = order[:count], order[count:]
            if not len(outside) or self._ended():
                return inside
            rate = np.log(K * arms * step**ALPHA / delta)
            rate += np.log(rate)
            weakest = lower(self.means[inside], rate / self.trials[inside])
            strongest = upper(self.means[outside], rate / self.trials[outside])
            if strongest.max() - weakest.min() <= difference:
                return inside
            self.try_out(np.array([inside[weakest.argmin()], outside[strongest.argmax()]]))
            step += 1

    def bounds(self, arm: int, delta: float) -> tuple[float, float]:
        """Return the lower and the upper bound of an arm's rate."""
        mean = self.means[[arm]]
        level = np.log(1 / delta) / self.trials[[arm]]
        return float(lower(mean, level)[0]), float(upper(mean, level)[0])

    def decide(self, arm: int, rate: float, slack: float, delta: float) -> bool:
        """Return whether an arm succeeds at a rate, or at `slack` less, after enough trials."""
        while True:
            low, high = self.bounds(arm, delta)
            above = self.means[arm] >= rate
            open_ = low <= rate - slack if above else high >= rate + slack
            if not open_ or self._ended():
                return bool(above and low > rate - slack)
            self.try_out(np.array([arm]))
