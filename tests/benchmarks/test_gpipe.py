"""The benchmark of pipelines measures what it says, and ends what it starts."""

import contextlib
import json
import sys

import pytest

from benchmarks import gpipe

TINY = gpipe.Net(blocks=4, side=4, filters=4, rows=4)


def test_micro_batches_divide_the_rows():
    assert gpipe.cells(TINY) == [(2, 1), (2, 2), (2, 4), (4, 1), (4, 2), (4, 4)]
    assert len(gpipe.cells(gpipe.FULL)) == len(gpipe.STAGES) * len(gpipe.MICRO_BATCHES)


def test_blocks_are_equal():
    model = gpipe.build(TINY)
    blocks = model.layers[2:-2]
    assert len(blocks) == TINY.blocks
    assert len({block.count_params() for block in blocks}) == 1
    assert {block.output_shape for block in blocks} == {(None, 4, 4, 4)}


def test_a_process_is_ended_with_its_turn():
    with gpipe.started("speed", quick=True, kind="whole") as process:
        assert process.poll() is None
    assert process.poll() is not None


def test_last_line_holds_the_figures(monkeypatch, capsys):
    parts = {
        "bubbles": [{"idle": 0.31, "ideal": 0.3}, {"idle": 0.5, "ideal": 0.5}],
        "gradients": [{"rounding": 2e-7}, {"float64": 3e-13, "float32": 1e-6}],
        "idleness": [{"bubble": 0.25}],
    }
    peaks = {"anew": 10, "kept": 60, "whole": 50}

    def results(part, quick, kind=None):
        assert quick
        return parts.get(part) or [{"peak": peaks[kind] * gpipe.MEGABYTE}]

    monkeypatch.setattr(gpipe, "results", results)
    monkeypatch.setattr(gpipe, "race", lambda quick, rounds: {"speedup_k2_m16": 1.5, "load": 0})
    monkeypatch.setattr(sys, "argv", ["gpipe", "--quick"])
    gpipe.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(found)[:4] == [
        "bubble_error_max",
        "gradient_error_max",
        "speedup_k2_m16",
        "memory_ratio",
    ]
    assert found["bubble_error_max"] == pytest.approx(0.01)
    assert found["gradient_error_max"] == 3e-13
    assert found["memory_ratio"] == pytest.approx(1 / 6, abs=1e-3)
    assert found["bubble_measured"] == 0.25


def test_processes_race_step_by_step(monkeypatch, capsys):
    seconds = {"whole": 3.0, "anew": 2.0, "kept": 1.5}

    class Racer:
        """Answers each line that it is sent, as a process would."""

        def __init__(self, kind):
            self.kind, self.stdin, self.stdout, self.told = kind, self, self, ["{}\n"]

        def write(self, line):
            assert line == "step\n"
            taken = seconds[self.kind]
            self.told.append(json.dumps({"wall": taken, "processor": 2 * taken}) + "\n")

        def flush(self):
            pass

        def readline(self):
            return self.told.pop(0)

    monkeypatch.setattr(
        gpipe, "started", lambda part, quick, kind: contextlib.nullcontext(Racer(kind))
    )
    found = gpipe.race(True, 2)
    assert found["speedup_k2_m16"] == 1.5
    assert found["speedup_k2_m16_kept"] == 2
    assert found["cpu_ratio"] == pytest.approx(2 / 3, abs=1e-3)
    assert "speed 2/2" in capsys.readouterr().err
