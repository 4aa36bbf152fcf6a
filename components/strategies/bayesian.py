"""Bayesian optimisation: a Gaussian process, and the point of most expected improvement."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erfcx, ndtr, ndtri
from scipy.stats import rankdata

from components.strategies.gaussian_process import Array, GaussianProcess, one_thread
from components.strategies.oracle import StrategyOracle
from components.strategies.search_space import Parameter, SearchSpace, Values
from components.strategies.strategy import Strategy

#: Random points at first, at most: a conditional space has many parameters, of which each
#: point has few.
INITIAL = 10
#: Steps of the first fit, and of each later one, which starts from the last.
FIRST_STEPS, STEPS = 30, 8
#: Random points whose improvement is looked at for each proposal.
CANDIDATES = 300
#: Best points so far, and candidates, from which improvement is climbed.
STARTS = 5
#: Steps of a climb at most.
CLIMB = 8
#: Where an inactive ordered parameter lies on its scale from 0 to 1.
INACTIVE = 0.5


class BayesianStrategy(Strategy):
    """Model the scores by a Gaussian process; try where it expects the most improvement.

    Parameters
    ----------
    space : SearchSpace
    seed : int
    initial : int, optional
        Random points at first; as many as parameters, from four to ten, if left out. Earlier
        trials and running ones count.

    Notes
    -----
    An ordered parameter is one coordinate from 0 to 1 on its own scale, an unordered one a
    coordinate for each value, so that any two values are equally far apart. An inactive
    parameter is at the middle of its scale, or at a value of its own.

    Scores are replaced by the normal quantiles of their ranks, so that one diverged training
    does not flatten all differences that matter, and the scale of the objective is nothing to
    the search [3]. Failed trials rank last. What runs in parallel is taken to score what the
    process predicts for it, which keeps the next proposal from its neighbourhood.

    The improvement is that over the best predicted mean of the points tried, since the best
    score may be luck. Its logarithm is climbed from neighbour to neighbour, from the best points
    so far and from the best of many random ones [2, 4]; the best untried point seen is proposed.
    The relevance of each parameter is part of the state: a search that was cut off goes on
    to the same points.

    References
    ----------
    [1] Snoek, J., Larochelle, H. and Adams, R. P. (2012). Practical Bayesian optimization of
    machine learning algorithms. NeurIPS.
    [2] Hutter, F., Hoos, H. H. and Leyton-Brown, K. (2011). Sequential model-based optimization
    for general algorithm configuration. LION.
    [3] Salinas, D., Shen, H. and Perrone, V. (2020). A quantile-based approach for hyperparameter
    transfer learning. ICML.
    [4] Wan, X. et al. (2021). Think global and act local: Bayesian optimisation over
    high-dimensional categorical and mixed search spaces. ICML.
    [5] Ament, S. et al. (2023). Unexpected improvements to expected improvement for Bayesian
    optimization. NeurIPS.
    """

    def __init__(self, space: SearchSpace, seed: int, *, initial: int | None = None) -> None:
        super().__init__(space, seed)
        self.initial = initial or min(max(len(space.parameters), 4), INITIAL)
        self.observed: list[tuple[Values, float | None]] = []
        self.pending: list[Values] = []
        widths = [_width(parameter) for parameter in space.parameters]
        self._starts = np.concatenate([[0], np.cumsum(widths)])
        self._process = GaussianProcess(np.repeat(np.arange(len(widths)), widths).tolist())
        self._points = np.empty((0, sum(widths)))
        self._fitted = False

    def _next(self) -> Values | None:
        scored = sum(score is not None for _, score in self.observed)
        if len(self.tried) < self.initial or scored < 2:
            values = self.sample_untried()
        else:
            with one_thread():
                values = self._best_candidate()
        if values is not None:
            self.pending.append(values)
        return values

    def _learn(self, values: Values, score: float | None) -> None:
        if values in self.pending:
            self.pending.remove(values)
        self.observed.append((values, score))
        self._points = np.vstack([self._points, self._encode([values])])

    def _best_candidate(self) -> Values | None:
        best = self._condition()
        fresh = self.sample_untried()
        if fresh is None:
            return None
        pool = [fresh] + [self.space.sample(self.rng) for _ in range(CANDIDATES - 1)]
        promise = self._promise(pool, best)
        order = np.argsort(-self._process.predict(self._points)[0], kind="stable")
        tops = [self.observed[index][0] for index in order[:STARTS]]
        climbers = tops + [pool[index] for index in np.argsort(-promise, kind="stable")[:STARTS]]
        heights = self._promise(climbers, best)
        promises = [promise]
        for _ in range(CLIMB):
            around = [self.space.neighbours(values, self.rng) for values in climbers]
            flat = [values for each in around for values in each]
            if not flat:
                break
            seen = self._promise(flat, best)
            pool += flat
            promises.append(seen)
            higher: list[tuple[Values, float]] = []
            end = 0
            for each, height in zip(around, heights, strict=True):
                start, end = end, end + len(each)
                if each:
                    peak = start + int(np.argmax(seen[start:end]))
                    if seen[peak] > height:
                        higher.append((flat[peak], seen[peak]))
            if not higher:
                break
            # Climbers that meet go on as one.
            merged = {self.space.key(values): (values, height) for values, height in higher}
            climbers = [values for values, _ in merged.values()]
            heights = np.array([height for _, height in merged.values()])
        for index in np.argsort(-np.concatenate(promises), kind="stable"):
            values: Values = pool[index]
            if not self.is_tried(values):
                return values
        return fresh

    def _condition(self) -> float:
        """Fit the process to all that is known; return the best predicted mean."""
        scores = _quantiles([score for _, score in self.observed])
        self._process.fit(self._points, scores, STEPS if self._fitted else FIRST_STEPS)
        self._fitted = True
        self._process.condition(self._points, scores)
        best = float(self._process.predict(self._points)[0].max())
        if self.pending:
            running = self._encode(self.pending)
            believed = self._process.predict(running)[0]
            self._process.condition(np.vstack([self._points, running]), np.append(scores, believed))
        return best

    def _promise(self, points: list[Values], best: float) -> Array:
        mean, deviation = self._process.predict(self._encode(points))
        return log_expected_improvement(mean, deviation, best)

    def _encode(self, points: list[Values]) -> Array:
        rows = np.zeros((len(points), int(self._starts[-1])))
        for parameter, start in zip(self.space.parameters, self._starts[:-1], strict=True):
            name = parameter.name
            if parameter.continuous:
                place = parameter.source.value_to_prob
                rows[:, start] = [
                    place(values[name]) if parameter.is_active(values) else INACTIVE
                    for values in points
                ]
                continue
            places = {level: number for number, level in enumerate(parameter.levels)}
            last = len(parameter.levels)
            numbers = np.array(
                [places[values[name]] if parameter.is_active(values) else last for values in points]
            )
            if parameter.ordered:
                scaled = numbers / max(last - 1, 1)
                rows[:, start] = np.where(numbers == last, INACTIVE, scaled)
            else:
                # Two values are at squared distance one.
                rows[np.arange(len(points)), start + numbers] = np.sqrt(0.5)
        return rows

    def get_state(self) -> dict[str, Any]:
        return {
            **super().get_state(),
            "observed": [list(each) for each in self.observed],
            "pending": self.pending,
            "logs": self._process.logs.tolist() if self._fitted else None,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.observed = [(values, score) for values, score in state["observed"]]
        self.pending = list(state["pending"])
        self._points = self._encode([values for values, _ in self.observed])
        self._fitted = state["logs"] is not None
        if self._fitted:
            self._process.logs = np.array(state["logs"])


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return the log of the expected improvement over `best`, exact far below it, too.

    Parameters
    ----------
    mean, deviation : array [n]
        Of the predicted scores; deviations are above 0.
    best : float

    Notes
    -----
    With ``z = (mean - best) / deviation`` it is ``log(deviation (phi(z) + z Phi(z)))``. Below
    ``z = -1`` the sum cancels and is computed by the scaled complementary error function, far
    below by its first asymptotic term [5 of `BayesianStrategy`].

    Examples
    --------
    >>> log_expected_improvement(np.array([0.0, -1e4]), np.array([1.0, 1.0]), 0.0).round(2)
    array([-9.20000000e-01, -5.00000193e+07])
    """
    z = (mean - best) / deviation
    density = -0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    above = np.maximum(z, -1.0)
    near = np.log(np.exp(-0.5 * above * above) / np.sqrt(2.0 * np.pi) + above * ndtr(above))
    below = np.clip(-z, 1.0, 100.0)
    middle = density + np.log1p(-below * np.sqrt(0.5 * np.pi) * erfcx(below * np.sqrt(0.5)))
    far = density - 2.0 * np.log(np.maximum(-z, 1.0))
    return np.asarray(np.log(deviation) + np.select([z > -1.0, z > -100.0], [near, middle], far))


def _width(parameter: Parameter) -> int:
    return 1 if parameter.ordered or parameter.continuous else len(parameter.levels) + 1


def _quantiles(scores: list[float | None]) -> Array:
    """Return the normal quantiles of the scores' ranks; failures rank last."""
    known = [score for score in scores if score is not None]
    worst = min(known)
    filled = np.array([worst if score is None else score for score in scores])
    quantiles = ndtri((rankdata(filled) - 0.5) / len(filled))
    return np.asarray(quantiles - quantiles.mean())


class BayesianOracle(StrategyOracle):
    """Bayesian optimisation behind KerasTuner's interface."""

    STRATEGY = BayesianStrategy
