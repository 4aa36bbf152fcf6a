"""The section about a push."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.pusher import card


def section(directory: Path, record: dict[str, Any]) -> str:
    (directory / card.RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
    return card.section(directory)


def test_says_what_was_pushed_where(tmp_path: Path) -> None:
    record = {"pushed": True, "destination": "/srv/models/7", "model": 9, "candidate": "distilled"}
    assert "The distilled model was pushed to /srv/models/7." in section(tmp_path, record)
    unnamed = section(tmp_path, {**record, "candidate": None})
    assert "The model was pushed to /srv/models/7." in unnamed


def test_says_why_nothing_was_pushed(tmp_path: Path) -> None:
    reason = 'AUC 0.6 is below 0.7 for "><img src=x onerror=alert(1)>'
    html = section(tmp_path, {"pushed": False, "reason": reason})
    assert "Nothing was pushed: AUC 0.6 is below 0.7" in html
    assert "<img" not in html


def test_missing_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=card.RECORD_FILE):
        card.section(tmp_path)
