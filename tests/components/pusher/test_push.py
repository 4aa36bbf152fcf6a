"""Pushing is atomic, and versions only grow."""

import pytest

from components.pusher import push


@pytest.fixture
def model(tmp_path):
    directory = tmp_path / "model"
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "variables" / "data").write_bytes(b"weights")
    return directory


def test_versions_grow(model, tmp_path):
    serving = tmp_path / "serving"
    assert push.push(model, serving).name == "1"
    assert push.push(model, serving).name == "2"
    (serving / "41").mkdir()
    (serving / "notes").mkdir()
    last = push.push(model, serving)
    assert last.name == "42"
    assert (last / "variables" / "data").read_bytes() == b"weights"


def test_a_push_that_fails_leaves_nothing(model, tmp_path, monkeypatch):
    serving = tmp_path / "serving"

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(push.os, "rename", fail)
    with pytest.raises(OSError, match="No space"):
        push.push(model, serving)
    assert list(serving.iterdir()) == []
