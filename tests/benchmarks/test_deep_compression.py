"""The benchmark of deep compression: its last line, and no training twice."""

import json
import sys

import numpy as np

from benchmarks import deep_compression
from benchmarks.deep_compression import Plan


def test_the_last_line_and_no_training_twice(tmp_path, monkeypatch, capsys):
    plans = {
        "lenet300": Plan("shift_rotate", 100.0, 1, ((0.98, 1, 1), (0.995, 1, 1))),
        "lenet5": Plan("shift", 100.0, 1, ((0.999, 1, 1),)),
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
        assert len(figures["front"]) == len(plans[name].points)
        assert figures["bytes"] == min(point["bytes"] for point in figures["front"])
        for point in figures["front"]:
            assert abs(point["rate"] - 4 * parameters / point["bytes"]) < 0.1
            assert 0 <= point["error"] <= 100
    monkeypatch.setattr(deep_compression.Experiment, "_train", None)
    monkeypatch.setattr(deep_compression.Experiment, "_lessons", lambda *_: None)
    deep_compression.main()
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    for name, figures in found.items():
        assert {**again[name], "front": None} == {**figures, "front": None}


def test_the_smallest_file_that_is_surely_below_the_bound():
    front = [
        {"held_out_error": error, "bytes": size}
        for error, size in ((0.7, 900), (0.66, 500), (0.9, 400), (1.4, 300))
    ]
    assert deep_compression.chosen(front, 0.95, 5000)["bytes"] == 500
    assert deep_compression.chosen(front, 1.7, 5000)["bytes"] == 300
    assert deep_compression.chosen(front, 1.7, 500)["bytes"] == 400
    assert deep_compression.chosen(front, 0.5, 5000)["held_out_error"] == 0.66
