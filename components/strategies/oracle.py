"""KerasTuner's `Oracle`, made to survive a kill and to know earlier trials."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import TrialStatus

from components import files
from components.errors import InputError
from components.strategies.search_space import SearchSpace, Values
from components.strategies.strategy import Strategy, sample_untried


@dataclass(frozen=True)
class EarlierTrial:
    """A trial of an earlier search.

    Attributes
    ----------
    values : dict
        Active hyperparameters by name.
    score : float or None
        The objective, in its own direction; None if the trial failed.
    """

    values: Values
    score: float | None


class SearchOracle(keras_tuner.Oracle):
    """What all our oracles share; mixed in before KerasTuner's own where there is one.

    Parameters
    ----------
    objective : keras_tuner.Objective or list of keras_tuner.Objective
    hyperparameters : keras_tuner.HyperParameters
        The whole search space: a model that asks for more is an error.
    seed : int
        At least 0.
    max_trials : int, optional
        No limit if left out: the search ends when the space is exhausted.
    warm_start : iterable of EarlierTrial
        They count as tried: the search learns from them and does not run them again.
    max_retries_per_trial, max_consecutive_failed_trials : int
        As in KerasTuner.
    **own
        The strategy's own settings.

    Raises
    ------
    InputError
        The space is empty, or an earlier trial is not a point of it.

    Notes
    -----
    What KerasTuner 1.4.8 leaves out, and this adds: files are written atomically; the random
    generator is part of the state; a trial that was cut off is run again from its start, one
    that ended is not; seed 0 is a seed; searches with neighbouring seeds do not draw the same
    numbers; the last points of a nearly exhausted space are found.
    """

    trials: dict[str, Any]

    def __init__(
        self,
        objective: Any,
        hyperparameters: keras_tuner.HyperParameters,
        *,
        seed: int,
        max_trials: int | None = None,
        warm_start: Iterable[EarlierTrial] = (),
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **own: Any,
    ) -> None:
        self.space = SearchSpace.from_hyperparameters(hyperparameters)
        if not self.space.parameters:
            raise InputError(
                "The search space is empty.",
                expected="at least one hyperparameter",
                got="none",
                remedy="Give a hyperparameter more than one value, or switch the search off.",
            )
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            allow_new_entries=False,
            seed=seed + 1,  # KerasTuner takes 0 for no seed at all.
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **own,
        )
        self.max_trials = max_trials
        self.verbose = 0
        self.warm_start = tuple(warm_start)
        self._rng = np.random.default_rng(seed)
        for trial in self.warm_start:
            if not self.space.contains(trial.values):
                raise InputError(
                    "An earlier trial is not a point of the search space.",
                    expected=", ".join(each.name for each in self.space.parameters),
                    got=trial.values,
                    remedy="Leave the trial out of the warm start, or widen the space.",
                )
            self._tried_so_far.add(self._compute_values_hash(trial.values))

    def _random_values(self) -> Values | None:
        return sample_untried(self.space, self._rng, self._duplicate)

    def _larger_is_better(self, score: float | None) -> float | None:
        """Return the score so that larger is better; None for a failure."""
        if score is None or not math.isfinite(score):
            return None
        return float(score) if self.objective.direction == "max" else -float(score)

    def get_state(self) -> dict[str, Any]:
        """Return the whole state of the search, as JSON."""
        state = super().get_state()
        # KerasTuner saves the end of a trial while it still counts as ongoing.
        over = {*self.end_order, *self._retry_queue}
        ongoing = {
            tuner: trial for tuner, trial in state["ongoing_trials"].items() if trial not in over
        }
        return {**state, "ongoing_trials": ongoing, "rng": self._rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state that `get_state` returned."""
        super().set_state(state)
        self._rng.bit_generator.state = state["rng"]

    def save(self) -> None:
        """Write the state to the project's directory."""
        files.write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Any) -> None:
        path = os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")
        files.write_json(path, trial.get_state())

    def reload(self) -> None:
        """Go back to the last state in the project's directory, if there is one.

        The state is written after the trial: a trial that it does not know was cut off
        before it began, one that it knows as running before its end was noted.
        """
        if not os.path.exists(self._get_oracle_fname()):
            return
        super().reload()
        self.trials = {trial_id: self.trials[trial_id] for trial_id in self.start_order}
        for trial_id in self._retry_queue:
            trial = self.trials[trial_id]
            trial.metrics = type(trial.metrics)()
            trial.score = None
            trial.status = TrialStatus.RUNNING


class StrategyOracle(SearchOracle):
    """A `Strategy` behind KerasTuner's interface; takes the parameters of `SearchOracle`."""

    STRATEGY: ClassVar[type[Strategy]]

    def __init__(self, objective: Any, hyperparameters: Any, *, seed: int, **settings: Any) -> None:
        names = SearchOracle.__init__.__kwdefaults__ or {}
        shared = {name: settings.pop(name) for name in list(settings) if name in names}
        super().__init__(objective, hyperparameters, seed=seed, **shared)
        self.strategy = self.STRATEGY(self.space, seed, **settings)
        self._heard = 0
        for trial in self.warm_start:
            self.strategy.observe(trial.values, self._larger_is_better(trial.score))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the status and, if there is another trial to run, its values."""
        self._hear()
        values = self.strategy.propose()
        status = TrialStatus.STOPPED if values is None else TrialStatus.RUNNING
        return {"status": status, "values": values}

    def _hear(self) -> None:
        """Tell the strategy of the trials that ended since."""
        for trial_id in self.end_order[self._heard :]:
            trial = self.trials[trial_id]
            score = trial.score if trial.status == TrialStatus.COMPLETED else None
            self.strategy.observe(trial.hyperparameters.values, self._larger_is_better(score))
        self._heard = len(self.end_order)

    def get_state(self) -> dict[str, Any]:
        """Return the whole state of the search, the strategy's included, as JSON."""
        self._hear()
        return {
            **super().get_state(),
            "strategy": self.strategy.get_state(),
            "heard": self._heard,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state that `get_state` returned."""
        super().set_state(state)
        self.strategy.set_state(state["strategy"])
        self._heard = state["heard"]
