"""The benchmark of the training loop trains both ways alike, and says so in one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import training_overhead
from components.models.transformed import IMAGE, LABEL
from tests.components.example_gen import images

ROWS = 200


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """IDX files of images, the brighter the larger their label."""
    found = tmp_path_factory.mktemp("idx")
    labels = np.arange(ROWS) % 10
    noise = np.random.default_rng(0).integers(0, 20, (ROWS, 28, 28, 1))
    pixels = (noise + 20 * labels[:, None, None, None]).astype(np.uint8)
    images.write_idx(found, pixels, labels)
    return found


def test_a_twentieth_of_the_rows_is_for_validation(directory: Path) -> None:
    train, validation = training_overhead.read(directory, None)
    assert train[IMAGE].shape == (190, 28, 28, 1)
    assert validation[IMAGE].shape == (10, 28, 28, 1)
    assert train[LABEL].tolist() + validation[LABEL].tolist() == [*range(10)] * 20
    assert len(training_overhead.read(directory, 40)[0][LABEL]) == 38


@pytest.mark.parametrize("name", training_overhead.CONFIGS.values())
def test_settings_are_shipped_ones_without_augmentation(name: str) -> None:
    model = training_overhead.trainer_config(name).model
    assert training_overhead.CONFIGS[model.architecture] == name
    assert model.augmentation == "none"


@pytest.mark.e2e
def test_last_line_holds_the_figures(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The quicker of the two networks stands for both.
    quick = {"lenet5": training_overhead.CONFIGS["lenet300"]}
    monkeypatch.setattr(training_overhead, "CONFIGS", quick)
    arguments = ["--pairs", "1", "--epochs", "2", "--data", str(directory)]
    monkeypatch.setattr(sys, "argv", ["training_overhead", *arguments])
    training_overhead.main()
    written = capsys.readouterr()
    figures = json.loads(written.out.splitlines()[-1])
    assert figures["ratio"] == pytest.approx(figures["ours_s"] / figures["bare_s"], abs=0.05)
    assert 0 < figures["ours_epoch_s"] < figures["ours_s"]
    assert 0 < figures["bare_epoch_s"] < figures["bare_s"]
    assert min(figures["ours_cpu_s"], figures["bare_cpu_s"]) > 0
    assert 0 <= figures["ours_accuracy"] <= 1
    assert (figures["rows"], figures["epochs"]) == (190, 2)
    assert "pair 1/1" in written.err
