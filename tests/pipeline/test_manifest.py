"""Manifests notice every way in which an output can differ from what was made."""

import os

import pytest

from pipeline import manifest


@pytest.fixture
def output(tmp_path):
    (tmp_path / "Split-train").mkdir()
    (tmp_path / "Split-train" / "data.gz").write_bytes(b"x" * 1000)
    (tmp_path / "note.json").write_text("{}")
    return tmp_path


def test_counts_what_it_describes(output):
    summary = manifest.write(output)
    assert (summary.files, summary.bytes) == (2, 1002)
    assert manifest.find_damage(output, summary.digest) is None
    assert manifest.find_damage(output, summary.digest, every_byte=True) is None


def _truncate(output):
    os.truncate(output / "Split-train" / "data.gz", 10)


def _empty(output):
    os.truncate(output / "note.json", 0)


def _remove(output):
    (output / "note.json").unlink()


def _add(output):
    (output / "extra").touch()


def _edit(output):
    (output / "note.json").write_text("[]")


def _edit_manifest(output):
    path = manifest.path_of(output)
    path.write_text(path.read_text().replace("1000", "1001"))


def _remove_manifest(output):
    manifest.path_of(output).unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_truncate, "data.gz has 10 bytes instead of 1000"),
        (_empty, "note.json has 0 bytes instead of 2"),
        (_remove, "note.json is gone"),
        (_add, "extra was added"),
        (_edit, "content of note.json was changed"),
        (_edit_manifest, "manifest was changed"),
        (_remove_manifest, "manifest is gone"),
    ],
)
def test_names_the_damage(output, change, words):
    digest = manifest.write(output).digest
    change(output)
    assert words in manifest.find_damage(output, digest)


def test_a_missing_directory_is_damage(tmp_path):
    assert manifest.find_damage(tmp_path / "none", "0") == "the directory is gone"


def test_a_rewritten_file_with_the_same_content_is_none(output):
    digest = manifest.write(output).digest
    os.utime(output / "note.json", (1, 1))
    assert manifest.find_damage(output, digest) is None


def test_a_hidden_change_is_found_by_reading_every_byte(output):
    digest = manifest.write(output).digest
    status = (output / "note.json").stat()
    (output / "note.json").write_text("[]")
    os.utime(output / "note.json", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert manifest.find_damage(output, digest) is None
    assert manifest.find_damage(output, digest, every_byte=True) is not None
