"""The benchmark of pipelines measures what it says, and ends what it starts."""

import json
import subprocess
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


@pytest.mark.e2e
def test_last_line_holds_the_figures():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpipe", "--quick", "--rounds", "1"],
        cwd=gpipe.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert list(found)[:4] == [
        "bubble_error_max",
        "gradient_error_max",
        "speedup_k2_m16",
        "memory_ratio",
    ]
    assert found["gradient_error_max"] <= 1e-6
    assert found["memory_ratio"] > 0
    assert found["speedup_k2_m16"] > 0
    assert 0 <= found["bubble_measured"] < 1
    assert "speed 1/1" in done.stderr
