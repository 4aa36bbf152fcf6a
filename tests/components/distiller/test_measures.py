"""How good, how alike, and how much of the gap: by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.distiller.measures import Judge, agreement, recovered


@pytest.mark.parametrize(
    ("teacher", "alone", "distilled", "higher", "share"),
    [
        (67, 146, 74, False, 72 / 79),
        (0.96, 0.90, 0.93, True, 0.5),
        (0.96, 0.90, 0.97, True, 7 / 6),  # better than the teacher
        (0.96, 0.90, 0.89, True, -1 / 6),  # worse than without one
        (0.90, 0.96, 0.95, True, None),
        (0.90, 0.90, 0.95, True, None),
    ],
)
def test_gap(teacher, alone, distilled, higher, share):
    found = recovered(teacher, alone, distilled, higher_is_better=higher)
    assert found == (share if share is None else pytest.approx(share))


def test_agreement():
    one, other = np.array([[1.0], [-1.0], [2.0], [3.0]]), np.array([[0.1], [-5.0], [-1.0], [9.0]])
    assert agreement("binary", one, other) == 0.75
    many = np.eye(3)
    assert agreement("multiclass", many, many[[0, 2, 2]]) == pytest.approx(2 / 3)
    assert agreement("regression", one, one) == pytest.approx(1)
    assert agreement("regression", np.full((4, 1), one.mean()), one) == pytest.approx(0)


def test_judge():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 400)
    good = (label * 2 - 1 + random.normal(size=400))[:, np.newaxis]
    bad = random.normal(size=(400, 1))
    judge = Judge("binary", label, 1)
    assert judge.measure(good)["AUC"] == pytest.approx(roc_auc_score(label, good), abs=1e-4)
    low, high = judge.difference(good, bad)
    apart = judge.measure(good)["AUC"] - judge.measure(bad)["AUC"]
    assert 0 < low < apart < high
    assert judge.difference(good, good) == (0.0, 0.0)
    assert (judge.metric, judge.higher_is_better) == ("AUC", True)
    numbers = Judge("regression", np.array([1.0, 2.0]), 1)
    assert (numbers.metric, numbers.higher_is_better) == ("RootMeanSquaredError", False)
    assert numbers.measure(np.array([[2.0], [1.0]]))["RootMeanSquaredError"] == 1.0
