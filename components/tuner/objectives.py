"""What a search optimises: metrics and costs of a trial's model, and one score of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from components.errors import InputError
from components.models.metric_names import (
    BINARY,
    METRIC_NAMES,
    MULTICLASS,
    REGRESSION,
    Task,
)
from components.models.metrics import Sample, vectorised
from components.pareto import front
from components.tuner.config import COSTS, ObjectiveConfig

if TYPE_CHECKING:
    from components.tuner.trials import Trial

#: The objective of a search whose config names none.
DEFAULTS: dict[Task, str] = {
    BINARY: "AUC",
    MULTICLASS: "SparseCategoricalCrossentropy",
    REGRESSION: "RootMeanSquaredError",
}


class Objectives:
    """One or several objectives.

    Parameters
    ----------
    configs : sequence of ObjectiveConfig
        Empty takes the task's default.
    task : {"binary", "multiclass", "regression"}

    Raises
    ------
    InputError
        A metric is not defined for the task.
    """

    def __init__(self, configs: Sequence[ObjectiveConfig], task: str) -> None:
        self.task = cast(Task, task)
        self.configs = tuple(configs) or (ObjectiveConfig(metric=DEFAULTS[self.task]),)
        for config in self.configs:
            check_objective(config.metric, self.task)

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives' metrics, the first of which chooses among ensembles."""
        return tuple(config.metric for config in self.configs)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.configs) > 1

    def measure(self, probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Return those objectives that predictions decide; the task's default if none is.

        Parameters
        ----------
        probabilities : ndarray, shape [n, k]
            Of each class; for regression the values, [n, 1].
        labels : ndarray, shape [n]
            Indices of classes, or numbers.
        """
        predictions = {BINARY: probabilities[:, -1], REGRESSION: probabilities[:, 0]}.get(
            self.task, probabilities
        )
        sample = Sample(labels, predictions, np.ones((len(labels), 1)))
        names = [name for name in self.names if name not in COSTS] or [DEFAULTS[self.task]]
        metrics = {name: vectorised(name, self.task) for name in names}
        return {name: float(metric(sample)[0]) for name, metric in metrics.items() if metric}

    def quality(self, probabilities: np.ndarray, labels: np.ndarray) -> float:
        """Return the first objective that predictions decide, the larger the better."""
        name, value = next(iter(self.measure(probabilities, labels).items()))
        return value if larger_is_better(name) else -value

    def score(self, metrics: Mapping[str, float], reference: Mapping[str, float] | None) -> float:
        """Return one number for all objectives, the larger the better.

        Parameters
        ----------
        metrics : mapping
            Of the trial.
        reference : mapping or None
            Of the configured model, if it has any.

        Notes
        -----
        With one objective, that objective, its sign turned if smaller is better. With several, the
        weighted sum of relative gains: by which share the trial's regret is below the
        reference's, where the regret is the distance from 1 for metrics that are at most 1, and
        else the value itself.
        """
        if not self.several:
            [name] = self.names
            return metrics[name] if larger_is_better(name) else -metrics[name]
        total = 0.0
        for config in self.configs:
            regret = _regret(config.metric, metrics[config.metric])
            before = 1.0 if reference is None else _regret(config.metric, reference[config.metric])
            total += config.weight * (1.0 - regret / max(before, 1e-12))
        return total

    def front(self, trials: Sequence[Trial]) -> list[str]:
        """Return the ids of the trials that no other beats in every objective."""
        scored = [trial for trial in trials if trial.score is not None]
        if not scored:
            return []
        points = np.array([[trial.metrics[name] for name in self.names] for trial in scored])
        kept = front(points, [larger_is_better(name) for name in self.names])
        return [trial.id for trial, keep in zip(scored, kept, strict=True) if keep]


def check_objective(name: str, task: Task) -> None:
    """Raise an `InputError` if no model for `task` reports the metric."""
    if name in COSTS or task in METRIC_NAMES[name].tasks:
        return
    valid = [*COSTS, *(n for n, i in METRIC_NAMES.items() if i.better and task in i.tasks)]
    raise InputError(
        f"The model does not report {name}: its task is {task}.",
        setting="tuner.objective",
        expected=", ".join(valid),
        got=name,
    )


def larger_is_better(name: str) -> bool:
    """Tell in which direction a model improves."""
    return name not in COSTS and METRIC_NAMES[name].better == "higher"


def _regret(name: str, value: float) -> float:
    return 1.0 - value if larger_is_better(name) else value
