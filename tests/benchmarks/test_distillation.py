"""The benchmark of distillation: three networks, each trained once."""

import numpy as np

from benchmarks import distillation
from benchmarks.distillation import Experiment


def test_three_networks_and_no_training_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(distillation, "TEACHER_UNITS", (16, 16))
    monkeypatch.setattr(distillation, "STUDENT_UNITS", (4, 4))
    random = np.random.default_rng(0)
    label = random.integers(0, 10, 256)
    image = random.integers(0, 30, (256, 28, 28, 1))
    image[np.arange(256), label + 9] += 220  # a line, lower or higher
    rows = {"image": image.astype(np.uint8), "label": label}
    experiment = Experiment(rows, rows, tmp_path, 1, 2, 3, copies=2)
    found = experiment.errors()
    assert set(found) == {"teacher", "student", "distilled"}
    assert all(0 <= errors <= len(label) for errors in found.values())
    monkeypatch.setattr(distillation, "network", None)
    assert experiment.errors() == found
