"""How good a model's scores are, by the metric that models of its task are compared by."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from components.models.metric_names import BINARY, METRIC_NAMES, MULTICLASS, REGRESSION, Task
from components.models.metrics import Sample, vectorised

#: Metrics of each task; models are compared by the first.
METRICS: dict[Task, tuple[str, ...]] = {
    BINARY: ("AUC", "BinaryAccuracy", "BinaryCrossentropy"),
    MULTICLASS: ("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"),
    REGRESSION: ("RootMeanSquaredError", "MeanAbsoluteError", "R2Score"),
}
#: Weightings of the bootstrap, and the share of them that an interval holds.
REPLICATES = 200
INTERVAL = 0.95


class Judge:
    """Measures scores on rows of known labels.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    labels : ndarray, shape [n]
    seed : int
        Of the bootstrap: each row has a weight from Poisson(1) in each of `REPLICATES`.
    """

    def __init__(self, task: Task, labels: np.ndarray, seed: int) -> None:
        self.task = task
        self.labels = labels
        self.seed = seed

    @cached_property
    def _weights(self) -> np.ndarray:
        drawn = np.random.default_rng(self.seed).poisson(1.0, (len(self.labels), REPLICATES))
        return drawn.astype(np.float64)

    @property
    def metric(self) -> str:
        """The metric by which models are compared."""
        return METRICS[self.task][0]

    @property
    def higher_is_better(self) -> bool:
        """The direction of `metric`."""
        return METRIC_NAMES[self.metric].better == "higher"

    def measure(self, scores: np.ndarray) -> dict[str, float]:
        """Return the metrics of scores: see `components.models.scores.from_outputs`."""
        sample = Sample(self.labels, self._predictions(scores), np.ones((len(self.labels), 1)))
        found = {name: vectorised(name, self.task) for name in METRICS[self.task]}
        return {name: float(metric(sample)[0]) for name, metric in found.items() if metric}

    def difference(self, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
        """Return the interval of `metric` of the scores `one` less that of `other`."""
        function = vectorised(self.metric, self.task)
        assert function is not None
        values = [
            function(Sample(self.labels, self._predictions(scores), self._weights))
            for scores in (one, other)
        ]
        low, high = np.nanquantile(
            values[0] - values[1], [(1 - INTERVAL) / 2, 1 - (1 - INTERVAL) / 2]
        )
        return float(low), float(high)

    def _predictions(self, scores: np.ndarray) -> np.ndarray:
        return {BINARY: scores[:, -1], REGRESSION: scores[:, 0]}.get(self.task, scores)
