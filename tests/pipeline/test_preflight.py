"""The preflight names what is wrong with a machine, and what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import preflight

GOOD = {
    "python": (3, 11),
    "system": "Linux",
    "machine": "x86_64",
    "glibc": (2, 36),
    "free_bytes": 1e11,
    "has_venv": True,
}


def test_a_good_machine_has_no_problem():
    assert preflight.find_problems(**GOOD) == []


@pytest.mark.parametrize(
    ("change", "problem", "remedy"),
    [
        ({"python": (3, 12)}, "Python 3.11 is needed, this is 3.12", "make PYTHON="),
        ({"python": (3, 9)}, "this is 3.9", "install Python 3.11"),
        ({"system": "Darwin", "machine": "arm64"}, "Linux on x86-64", "container"),
        ({"machine": "aarch64"}, "this is Linux on aarch64", "virtual machine"),
        ({"glibc": (2, 17)}, "glibc 2.28 or newer is needed, this is 2.17", "Debian 10"),
        ({"has_venv": False}, "no venv module", "python3.11-venv"),
        ({"free_bytes": 1e9}, "6 GB of free disk", "free some space"),
    ],
)
def test_names_each_problem(change, problem, remedy):
    [(found, to_do)] = preflight.find_problems(**{**GOOD, **change})
    assert problem in found
    assert remedy in to_do


def test_runs_without_anything_installed():
    done = subprocess.run(
        [sys.executable, "-I", "-S", preflight.__file__], capture_output=True, text=True
    )
    assert (done.returncode == 0) == (preflight.find_problems() == [])


def test_reads_this_machines_glibc():
    assert Path("/lib64").exists()
    assert preflight.glibc_version() >= (2, 28)
