"""Bad input, as a person meets it: one clear error, exit code 2, and nothing written."""

import re

import pytest

from tests.e2e.harness import Project

pytestmark = pytest.mark.e2e

ROWS = [f"{i},{'yes' if i % 3 else 'no'},{i * 0.5},city{i % 4}" for i in range(200)]
HEADER = "id,paid,fare,city"
GOOD = "\n".join([HEADER, *ROWS]) + "\n"


def _replaced(line, text):
    lines = GOOD.splitlines()
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


CASES = {
    "wrong path": (None, "", ["There is no", "rides.csv"]),
    "empty file": ("", "", ["empty", "rides.csv"]),
    "missing label": (GOOD.replace("paid", "payed", 1), "", ["paid", "nearest: payed"]),
    "constant label": (GOOD.replace("yes", "no"), "", ["paid", "label"]),
    "label all missing": (re.sub("yes|no", "", GOOD), "", ["paid", "label"]),
    "unknown column in the config": (GOOD, "  exclude: [cty]\n", ["cty", "nearest: city"]),
    "wrong delimiter": (GOOD.replace(",", ";"), "", ["delimiter", "';'"]),
    "wrong encoding": (GOOD.replace("city1", "cit\xe9"), "", ["encoding", "latin-1"]),
    "duplicate header": (GOOD.replace("city", "fare", 1), "", ["fare", "rides.csv"]),
    "ragged row": (_replaced(50, "1,yes,2"), "", ["50", "4", "3"]),
    "text where numbers were": (
        _replaced(77, "75,yes,unknown,city1"),
        "",
        ["fare", "unknown", "77", "missing_values"],
    ),
    "one row": ("\n".join([HEADER, ROWS[0]]) + "\n", "", ["1", "rows"]),
    "empty split": (
        "\n".join([HEADER, *ROWS[:4]]) + "\n",
        "  split: {train: 0.98, eval: 0.01, test: 0.01}\n",
        ["split"],
    ),
    "NaN label": (
        re.sub("yes", "nan", GOOD.replace(",no,", ",1.5,")),
        "  task: regression\n  missing_values: ['']\n",
        ["paid", "nan"],
    ),
    "infinite label": (
        GOOD.replace(",no,", ",1.5,").replace(",yes,", ",inf,"),
        "  task: regression\n",
        ["paid", "inf"],
    ),
    "misspelt key": (GOOD, "  delimeter: ','\n", ["data.delimeter", "nearest: delimiter"]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_error_and_nothing_written(tmp_path, case):
    content, settings, words = CASES[case]
    if content is not None:
        encoding = "latin-1" if case == "wrong encoding" else "utf-8"
        (tmp_path / "rides.csv").write_bytes(content.encode(encoding))
    config = tmp_path / "rides.yaml"
    config.write_text(f"data:\n  path: rides.csv\n  label: paid\n{settings}")
    before = sorted(tmp_path.rglob("*"))

    done = Project(tmp_path, config, tmp_path / "runs" / "rides").call("run", expect=2)

    for word in words:
        assert word in done.err, done.err
    assert done.err.count("error") >= 1
    assert "Traceback" not in done.err
    assert done.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_good_file_is_not_refused(tmp_path):
    """The cases above differ from this one by their fault alone."""
    (tmp_path / "rides.csv").write_text(GOOD)
    config = tmp_path / "rides.yaml"
    config.write_text(
        "data:\n  path: rides.csv\n  label: paid\n"
        "trainer: {epochs: 1, model: {hidden_units: [4]}}\n"
    )
    done = Project(tmp_path, config, tmp_path / "runs" / "rides").run()
    assert done.json["state"] == "COMPLETE"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rerun", "Trainr"], ["There is no node 'Trainr'", "nearest: Trainer"]),
        (["run", "--config", "nowhere.yaml"], ["nowhere.yaml", "taxi"]),
        (["run", "--set", "trainer.epochs=none"], ["trainer.epochs"]),
        (["run", "--bogus"], ["No such option"]),
        (["rnu"], ["No such command"]),
        (["show", "--root", "nowhere"], ["nowhere"]),
        (["resume", "--set", "x"], ["KEY=VALUE"]),
    ],
)
def test_usage_errors(tmp_path, arguments, words):
    import subprocess
    import sys

    from tests.e2e.harness import REPOSITORY

    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "local_runner.py"), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
