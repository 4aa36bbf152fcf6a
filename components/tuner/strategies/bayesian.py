"""Bayesian optimisation: KerasTuner's Gaussian process."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle

from components.tuner.strategies.oracle import SearchOracle


class BayesianOracle(SearchOracle, BayesianOptimizationOracle):
    """KerasTuner's oracle, with earlier trials among its data and no point tried twice.

    Notes
    -----
    Fits a Gaussian process with a Matern kernel and takes the lower confidence bound's
    minimum. Where that is a point already tried, a random untried one takes its place.
    """

    num_initial_points: int | None

    def __init__(self, objective: Any, hyperparameters: Any, *, seed: int, **settings: Any) -> None:
        super().__init__(objective, hyperparameters, seed=seed, **settings)
        initial: int = self.num_initial_points or max(3 * len(self.space.parameters), 3)
        known = sum(trial.score is not None for trial in self.warm_start)
        self.num_initial_points = max(initial - known, 1)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the status and, if there is another trial to run, its values."""
        # Drawn anew for each trial, so that it is no part of the state.
        self._random_state = np.random.RandomState([self.seed, len(self.trials)])
        response: dict[str, Any] = super().populate_space(trial_id)
        if response["values"] is not None and self._duplicate(response["values"]):
            response = self._random_populate_space()
        return response

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = super()._vectorize_trials()
        known = [trial for trial in self.warm_start if trial.score is not None]
        if not known:
            return x, y
        vectors = [
            [
                hp.value_to_prob(trial.values.get(hp.name, hp.default))
                for hp in self._nonfixed_space()
            ]
            for trial in known
        ]
        # A minimum is sought.
        scores = [-(self._larger_is_better(trial.score) or 0.0) for trial in known]
        return np.vstack([x, vectors]), np.append(y, scores)
