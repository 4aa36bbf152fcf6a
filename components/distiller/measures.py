"""How good models are, how alike, and how much of a gap is closed."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.models import scores
from components.models.metric_names import BINARY, METRIC_NAMES, MULTICLASS, REGRESSION, Task
from components.models.metrics import Sample, r2_score, vectorised

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
    """Measures outputs on rows of known labels.

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
        self._weights = (
            np.random.default_rng(seed).poisson(1.0, (len(labels), REPLICATES)).astype(np.float64)
        )

    @property
    def metric(self) -> str:
        """The metric by which models are compared."""
        return METRICS[self.task][0]

    @property
    def higher_is_better(self) -> bool:
        """The direction of `metric`."""
        return METRIC_NAMES[self.metric].better == "higher"

    def measure(self, outputs: np.ndarray) -> dict[str, float]:
        """Return the metrics of outputs [n, k]."""
        sample = Sample(self.labels, self._predictions(outputs), np.ones((len(self.labels), 1)))
        found = {name: vectorised(name, self.task) for name in METRICS[self.task]}
        return {name: float(metric(sample)[0]) for name, metric in found.items() if metric}

    def difference(self, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
        """Return the interval of `metric` of `one` less that of `other`, on the same rows."""
        function = vectorised(self.metric, self.task)
        assert function is not None
        values = [
            function(Sample(self.labels, self._predictions(outputs), self._weights))
            for outputs in (one, other)
        ]
        low, high = np.nanquantile(
            values[0] - values[1], [(1 - INTERVAL) / 2, 1 - (1 - INTERVAL) / 2]
        )
        return float(low), float(high)

    def _predictions(self, outputs: np.ndarray) -> np.ndarray:
        probabilities = scores.from_outputs(tf.constant(outputs, tf.float32), self.task).numpy()
        if self.task == BINARY:
            probabilities = probabilities[:, 1]
        elif self.task == REGRESSION:
            probabilities = probabilities[:, 0]
        return np.asarray(probabilities)


def agreement(task: Task, student: np.ndarray, teacher: np.ndarray) -> float:
    """Return how alike outputs [n, k] are; 1 is equal.

    Of classifiers, the share of rows for which the most probable class is the same; of
    regressions, the share of the variance of the teacher's values that the student's have in
    common with them (R2 with the teacher as the label).
    """
    if task == REGRESSION:
        ones = np.ones((len(teacher), 1))
        return float(r2_score(Sample(teacher[:, 0].astype(np.float64), student[:, 0], ones))[0])
    if task == BINARY:
        return float(np.mean((student[:, 0] > 0) == (teacher[:, 0] > 0)))
    return float(np.mean(student.argmax(axis=1) == teacher.argmax(axis=1)))


def recovered(
    teacher: float, alone: float, distilled: float, *, higher_is_better: bool
) -> float | None:
    """Return the share of the gap between teacher and student alone that distillation closes.

    Returns
    -------
    float or None
        0 if the distilled student is as good as the one alone, 1 if it is as good as the
        teacher; below and above if it is worse or better than these. None if the teacher is
        no better than the student alone: there is no gap.

    Examples
    --------
    >>> round(recovered(67, 146, 74, higher_is_better=False), 3)
    0.911
    >>> recovered(0.9, 0.9, 0.95, higher_is_better=True) is None
    True
    """
    gap = teacher - alone if higher_is_better else alone - teacher
    if gap <= 0:
        return None
    return (distilled - alone if higher_is_better else alone - distilled) / gap
