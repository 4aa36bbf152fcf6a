"""Other libraries that our figures are compared with, in an environment of their own.

`peers.in` names them, `peers.lock` pins them with hashes. They are installed once, into the cache
directory of the benchmarks, and never into the environment of the product. What a benchmark
asks of them is a module that runs there, reads one JSON value from standard input and writes
one as the last line of its standard output. It can import what imports the standard library
alone, such as `benchmarks.data`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import uv

from benchmarks.data import cache_directory
from components.errors import InputError
from components.files import file_digest

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "benchmarks" / "peers.lock"
#: Environment variables that set the number of threads of the libraries in use.
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def peers_python() -> Path:
    """Return the peers' interpreter, installing them at first.

    Raises
    ------
    InputError
        A pinned package cannot be installed.

    Notes
    -----
    The directory's name holds the lock's digest, so that another lock is another environment. It
    gets that name when it is complete: whoever is killed on the way leaves none, and of two
    that build it at once the second takes the first one's.
    """
    home = cache_directory() / f"peers-{file_digest(LOCK)[:16]}"
    python = home / "bin" / "python"
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".peers-") as directory:
            built = Path(directory) / "environment"
            print("installing the benchmarks' peers", file=sys.stderr)
            _uv("venv", "--quiet", "--relocatable", "--python", sys.executable, str(built))
            _uv(
                *("pip", "install", "--quiet", "--python", str(built / "bin" / "python")),
                *("--no-deps", "--require-hashes", "--compile-bytecode"),
                *("--requirement", str(LOCK)),
            )
            try:
                os.rename(built, home)
            except OSError:
                if not python.exists():
                    raise
    return python


def run_peer(module: str, request: Any, *, threads: int = 1) -> Any:
    """Run a module in the peers' environment and return its answer.

    Parameters
    ----------
    module : str
        Dotted name, from the root of the project, such as ``"benchmarks.peer_tpe"``.
    request : JSON
        Given to the module on its standard input.
    threads : int
        Of OpenMP and BLAS.

    Returns
    -------
    JSON
        The last line of the module's standard output. Its standard error passes through.

    Raises
    ------
    subprocess.CalledProcessError
        The module failed.
    """
    limits = dict.fromkeys(THREAD_LIMITS, str(threads))
    done = subprocess.run(
        [str(peers_python()), "-s", "-m", module],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **limits, "PYTHONPATH": str(ROOT)},
    )
    return json.loads(done.stdout.splitlines()[-1])


def _uv(*arguments: str) -> None:
    done = subprocess.run([uv.find_uv_bin(), *arguments], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise InputError(
            "The benchmarks' peers could not be installed.",
            file=str(LOCK),
            expected="every pinned package on the package index",
            got=(done.stderr.strip().splitlines() or ["no message"])[-1],
            remedy="Check the connection to the package index and try again.",
        )
