"""The section about anomalies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.example_validator import card

HOSTILE = "<script>alert(1)</script>"


def section(directory: Path, found: dict[str, Any]) -> str:
    (directory / card.REPORT_FILE).write_text(json.dumps(found), encoding="utf-8")
    return card.section(directory)


def test_says_that_there_is_none(tmp_path: Path) -> None:
    assert "No anomaly in 2 splits." in section(tmp_path, {"train": [], "eval": []})


def test_lists_each_finding_with_its_split(tmp_path: Path) -> None:
    anomaly = {"feature": "fare", "kind": "FLOAT_TYPE_BIG_FLOAT", "description": "Big: 9 > 1"}
    html = section(tmp_path, {"train": [], "eval": [anomaly]})
    assert "1 finding." in html
    assert "<td>eval</td>" in html
    assert '<th scope="row">fare</th>' in html
    assert "Big: 9 &gt; 1" in html


def test_names_from_data_are_text(tmp_path: Path) -> None:
    anomaly = {"feature": HOSTILE, "kind": "X", "description": f"unexpected value: {HOSTILE}"}
    html = section(tmp_path, {HOSTILE: [anomaly]})
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 3


def test_missing_and_damaged_findings_are_errors(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=card.REPORT_FILE):
        card.section(tmp_path)
    (tmp_path / card.REPORT_FILE).write_text('{"train": [', encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        card.section(tmp_path)
