"""The benchmark of deep compression: its last line, and no training twice."""

import json
import sys

import numpy as np

from benchmarks import deep_compression
from benchmarks.deep_compression import Plan


def test_the_last_line_and_no_training_twice(tmp_path, monkeypatch, capsys):
    plans = {
        "lenet300": Plan("shift_rotate", 100.0, 1, ((0.9, 1, 1), (0.98, 1, 1))),
        "lenet5": Plan("shift", 0.0, 1, ((0.95, 1, 1), (0.97, 1, 1))),
    }

    def read(images, rows):
        random = np.random.default_rng(0)
        label = random.integers(0, 10, 384)
        image = random.integers(0, 30, (384, 28, 28, 1))
        image[np.arange(384), label + 9] += 220  # a line, lower or higher
        return {"image": image.astype(np.uint8), "label": label}

    monkeypatch.setattr(deep_compression, "QUICK_PLANS", plans)
    monkeypatch.setattr(deep_compression, "QUICK_HELD_OUT", 128)
    monkeypatch.setattr(deep_compression, "read", read)
    monkeypatch.setattr(deep_compression.data, "mnist", lambda directory: (directory, directory))
    monkeypatch.setattr(sys, "argv", ["deep_compression", "--quick", "--work", str(tmp_path)])
    deep_compression.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(found) == {"lenet300", "lenet5"}
    for name, parameters in (("lenet300", 266_610), ("lenet5", 431_080)):
        figures = found[name]
        assert set(figures) == {"ref_error", "error", "bytes", "rate", "front"}
        assert len(figures["front"]) == 2
        for point in figures["front"]:
            assert abs(point["rate"] - 4 * parameters / point["bytes"]) < 0.1
            assert 0 <= point["error"] <= 100
    # Within the bound the smallest file; where none is, that of the least held-out error.
    front = found["lenet300"]["front"]
    assert found["lenet300"]["bytes"] == min(point["bytes"] for point in front)
    front = found["lenet5"]["front"]
    least = min(front, key=lambda point: point["held_out_error"])
    assert found["lenet5"]["bytes"] == least["bytes"]
    monkeypatch.setattr(deep_compression.Experiment, "_train", None)
    monkeypatch.setattr(deep_compression.Experiment, "_lessons", lambda *_: None)
    deep_compression.main()
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    for name, figures in found.items():
        assert {**again[name], "front": None} == {**figures, "front": None}
