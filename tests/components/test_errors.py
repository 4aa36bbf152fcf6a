"""Errors carry where, what and the remedy, and survive the way between processes."""

import pickle

from components.errors import InputError


def test_message_names_everything():
    error = InputError(
        "Ragged row.", file="a.csv", line=7, column="x", expected=3, got=4, remedy="fix it"
    )
    for part in ("Ragged row.", "a.csv", "7", "x", "3", "4", "fix it"):
        assert part in str(error)
    assert "setting" not in str(error)


def test_survives_pickling():
    error = InputError("No.", setting="data.path", got="nowhere")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.problem, copy.details) == (error.problem, error.details)
