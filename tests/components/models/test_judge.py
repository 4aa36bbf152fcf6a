"""How good scores are: against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.models import measuring
from components.models.judge import Judge


def test_judge():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 400)
    good = (label * 2 - 1 + random.normal(size=400))[:, np.newaxis]
    bad = random.normal(size=(400, 1))
    good, bad = measuring.scores(good, "binary"), measuring.scores(bad, "binary")
    judge = Judge("binary", label, 1)
    assert judge.measure(good)["AUC"] == pytest.approx(roc_auc_score(label, good[:, 1]), abs=1e-4)
    low, high = judge.difference(good, bad)
    apart = judge.measure(good)["AUC"] - judge.measure(bad)["AUC"]
    assert 0 < low < apart < high
    assert judge.difference(good, good) == (0.0, 0.0)
    assert (judge.metric, judge.higher_is_better) == ("AUC", True)
    numbers = Judge("regression", np.array([1.0, 2.0]), 1)
    assert (numbers.metric, numbers.higher_is_better) == ("RootMeanSquaredError", False)
    assert numbers.measure(np.array([[2.0], [1.0]]))["RootMeanSquaredError"] == 1.0
