"""How alike models are, and how much of a gap is closed."""

from __future__ import annotations

import numpy as np

from components.models.metric_names import BINARY, REGRESSION, Task
from components.models.metrics import Sample, r2_score


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
