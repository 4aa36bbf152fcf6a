"""The benchmark of novelty detectors counts as the papers do."""

import numpy as np

from benchmarks import novelty
from components.drift_monitor.novelty.base import KNOWN, NOVEL, UNKNOWN


def test_errors_are_counted_by_kind():
    truth = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    labels = np.array([0, 1, 5, -1, 0, 6, -1, 7])
    kinds = np.array([KNOWN, KNOWN, NOVEL, UNKNOWN, KNOWN, NOVEL, UNKNOWN, NOVEL])
    # Known rows: one right, one of another class, one new, one unknown. New rows: one missed.
    assert novelty.score(truth, labels, kinds) == {
        "mnew": 0.25,
        "fnew": 0.5,
        "err": 0.5,
        "found": 0.5,
        "unknown": 0.25,
    }


def test_only_known_classes_come_offline():
    for stream in (novelty.random_rbf(300), novelty.planted(300)):
        x, y, later, truth = stream
        assert set(y) == {0, 1}
        assert len(x) == 1000
        assert len(later) == len(truth) == 300
        assert truth.max() > 1
