"""Say what keeps this machine from installing Modelworks, before anything is installed.

Runs on any Python 3 with the standard library alone: ``python3 pipeline/preflight.py``.
"""

import ctypes
import importlib.util
import os
import platform
import shutil
import sys

PYTHON = (3, 11)
# The newest glibc that one of the pinned wheels asks for (manylinux_2_28).
GLIBC = (2, 28)
FREE_GIGABYTES = 6


def glibc_version():
    """Return glibc's version as a tuple, or None where the C library is another one."""
    try:
        version = ctypes.CDLL("libc.so.6").gnu_get_libc_version
    except (OSError, AttributeError):
        return None
    version.restype = ctypes.c_char_p
    return tuple(int(part) for part in version().decode().split(".")[:2])


def find_problems(
    python=sys.version_info[:2],
    system=None,
    machine=None,
    glibc=None,
    free_bytes=None,
    has_venv=None,
):
    """Return a list of (what is wrong, what to do); empty if the machine will do.

    The arguments replace what is read from the machine.
    """
    system = system or platform.system()
    machine = machine or platform.machine()
    problems = []
    if tuple(python) != PYTHON:
        problems.append(
            (
                "Python {}.{} is needed, this is {}.{}.".format(*PYTHON, *python),
                "install Python 3.11 and call: make PYTHON=/path/to/python3.11 ...",
            )
        )
    if system != "Linux" or machine not in ("x86_64", "AMD64"):
        problems.append(
            (
                f"Linux on x86-64 is needed, this is {system} on {machine}: "
                "tfx-bsl, ml-metadata and tensorflow-data-validation have no other wheels.",
                "use a Linux machine, a virtual machine or a container",
            )
        )
    elif (glibc or glibc_version() or (0, 0)) < GLIBC:
        found = glibc or glibc_version()
        shown = "{}.{}".format(*found) if found else "another C library (musl?)"
        problems.append(
            (
                "glibc {}.{} or newer is needed, this is {}.".format(*GLIBC, shown),
                "use a newer distribution: Debian 10, Ubuntu 20.04, RHEL 8 or later",
            )
        )
    if has_venv is None:
        has_venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    if not has_venv:
        problems.append(
            ("This Python has no venv module.", "on Debian and Ubuntu: apt install python3.11-venv")
        )
    free = shutil.disk_usage(os.getcwd()).free if free_bytes is None else free_bytes
    if free < FREE_GIGABYTES * 1e9:
        problems.append(
            (
                f"{FREE_GIGABYTES} GB of free disk are needed here, there are {free / 1e9:.1f}.",
                "free some space, or clone to another disk",
            )
        )
    return problems


def main():
    """Print the problems; return 2 if there are any."""
    problems = find_problems()
    for problem, remedy in problems:
        print(f"preflight: {problem}\n  to do: {remedy}", file=sys.stderr)
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
