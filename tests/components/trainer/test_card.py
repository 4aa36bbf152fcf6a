"""The section about a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.trainer import card

EPOCHS = [
    {"loss": 0.9, "accuracy": 0.5, "val_loss": 0.8, "val_accuracy": 0.55},
    {"loss": 0.5, "accuracy": 0.7, "val_loss": 0.4, "val_accuracy": 0.75},
    {"loss": 0.3, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.65},
]
RECORD: dict[str, Any] = {
    "best_epoch": 1,
    "best_loss": 0.4,
    "devices": ["CPU:0"],
    "epochs": EPOCHS,
    "examples_per_second": 52841.3,
    "parameters": 66025,
    "restarts": 0,
    "resumed_from": 0,
    "rows": 10537,
    "seconds": 2.5,
    "seconds_per_epoch": 0.2,
    "strategy": "one_device",
}


def section(directory: Path, record: dict[str, Any]) -> str:
    (directory / card.HISTORY_FILE).write_text(json.dumps(record), encoding="utf-8")
    return card.section(directory)


def test_draws_losses_and_says_which_epoch_was_kept(tmp_path: Path) -> None:
    html = section(tmp_path, RECORD)
    assert "66,025 parameters, 10,537 rows." in html
    assert "3 epochs, the best is number 2." in html
    assert "loss by epoch; at the best, 0.5 on train and 0.4 on eval" in html
    assert "accuracy by epoch; at the best, 0.7 on train and 0.75 on eval" in html


def test_shows_every_member_of_an_ensemble(tmp_path: Path) -> None:
    other = {**RECORD, "best_epoch": 0, "epochs": EPOCHS[:2]}
    html = section(tmp_path, {"members": [RECORD, other], "rows": 10537, "parameters": 100})
    assert html.count("loss by epoch of member 1; at the best, 0.5 on train and 0.4 on eval") == 1
    assert html.count("loss by epoch of member 2; at the best, 0.9 on train and 0.8 on eval") == 1


def test_training_of_one_epoch_or_of_undefined_losses_is_told(tmp_path: Path) -> None:
    assert "1 epoch" in section(tmp_path, {**RECORD, "best_epoch": 0, "epochs": EPOCHS[:1]})
    lost = [{**epoch, "val_loss": None} for epoch in EPOCHS]
    assert "3 epochs" in section(tmp_path, {**RECORD, "epochs": lost})


def test_names_are_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    epochs = [{**e, hostile: 1.0, f"val_{hostile}": 1.0} for e in EPOCHS]
    html = section(tmp_path, {**RECORD, "epochs": epochs, "strategy": hostile})
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_missing_history_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=card.HISTORY_FILE):
        card.section(tmp_path)
