"""Commands without the seconds that their imports take: forks of a process that has made them.

``python -m tests.e2e.forkserver FD`` imports what a command and the process that runs its
DAG import, and then forks once for each request that arrives on the socket FD. The
processes are those of the product, in the same relations (who is whose child, session and
pipe), so that signals and deaths mean the same; only ``exec`` and the imports are left out.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

REPOSITORY = Path(__file__).parents[2]
_MOST_BYTES = 1 << 17


class Forked:
    """A command that a fork of the server runs; what a test uses of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], directory: Path, environment: dict[str, str]):
        self.args = list(arguments)
        self.returncode: int | None = None
        self._files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115
        self._status, theirs = socket.socketpair()
        request = {"arguments": self.args, "directory": str(directory), "environment": environment}
        with theirs:
            descriptors = [file.fileno() for file in self._files] + [theirs.fileno()]
            socket.send_fds(_server(), [json.dumps(request).encode()], descriptors)
        self._lines = self._status.makefile("r")
        self.pid = int(self._lines.readline())

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, or minus the signal that ended the command."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._status.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end, and return all of standard output and error."""
        self.wait(timeout)
        texts = []
        for file in self._files:
            file.seek(0)
            texts.append(file.read().decode())
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the command has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


_socket: socket.socket | None = None


def _server() -> socket.socket:
    """Return the socket of this process's server, started by the first call."""
    global _socket
    if _socket is None:
        _socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=REPOSITORY,
                pass_fds=[theirs.fileno()],
                # Ctrl-C is for the tests; the server ends with their end of the socket.
                start_new_session=True,
            )
    return _socket


# ------------------------------------------------------------------- the server


def serve(requests: socket.socket) -> None:
    """Fork for each request until nobody is left who could send one."""
    _import()
    # A fork shares what it does not write, and collecting garbage writes everywhere.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing waits for the keepers
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 3)
        if not text:
            return
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _keep(json.loads(text), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _import() -> None:
    from components.library_mends import without_stock_components

    with without_stock_components():
        from pipeline import compilation, runner  # noqa: F401

        compilation.import_components()
    # And what nodes import when they run.
    for name in (
        "pipeline.cli",
        "pipeline.supervisor",
        "components.evaluator.evaluation",
        "tf_keras.src.callbacks_v1",
        "vl_convert",
    ):
        importlib.import_module(name)


def _keep(request: dict[str, Any], out: int, err: int, status: int) -> NoReturn:
    """Start the command, tell its process id, wait for it, and tell how it ended."""
    child = os.fork()
    if child == 0:
        _become(
            lambda: _command(request["arguments"]),
            descriptors={0: os.open(os.devnull, os.O_RDONLY), 1: out, 2: err},
            directory=request["directory"],
            environment=request["environment"],
        )
    os.write(status, b"%d\n" % child)
    _, ended = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
    os._exit(0)


def _become(
    main: Callable[[], object],
    *,
    descriptors: Mapping[int, int],
    directory: str | Path,
    environment: Mapping[str, str],
    passed: Iterable[int] = (),
) -> NoReturn:
    """Make this fork what a new process would be, and end it with `main`'s exit code."""
    for target, source in descriptors.items():
        os.dup2(source, target)
    for number in map(int, os.listdir("/proc/self/fd")):
        if number not in {0, 1, 2, *passed}:
            with contextlib.suppress(OSError):
                os.close(number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, closefd=False) for number in (1, 2))
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _command(arguments: list[str]) -> None:
    from pipeline import supervisor

    supervisor.subprocess = _Subprocess
    program = REPOSITORY / "local_runner.py"
    sys.argv = [str(program), *arguments]
    runpy.run_path(str(program), run_name="__main__")


class _Worker:
    """The process that runs the DAG, as a fork of the supervisor; see `supervisor._start`."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        stdout: io.BufferedWriter,
        stderr: io.BufferedWriter,
        pass_fds: Iterable[int],
        cwd: Path,
        env: Mapping[str, str],
        **expected: Any,
    ):
        assert arguments[:3] == [sys.executable, "-m", "pipeline.worker"]
        assert expected == {"stdin": subprocess.PIPE, "start_new_session": True}
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            sys.argv = ["pipeline.worker", *arguments[3:]]
            _become(
                lambda: _worker(env),
                descriptors={0: read, 1: stdout.fileno(), 2: stderr.fileno()},
                directory=cwd,
                environment=env,
                passed=pass_fds,
            )
        os.close(read)
        self.stdin = os.fdopen(write, "wb")
        self._code: int | None = None

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def kill(self) -> None:
        if self._code is not None:
            raise ProcessLookupError
        os.kill(self.pid, signal.SIGKILL)


def _worker(environment: Mapping[str, str]) -> None:
    sys.path[1:1] = [path for path in environment["PYTHONPATH"].split(os.pathsep) if path]
    if "FAULT" in environment:
        from tests.e2e.faults import sitecustomize  # noqa: F401 (puts the fault in place)
    runpy.run_module("pipeline.worker", run_name="__main__", alter_sys=True)


class _Subprocess:
    """What the supervisor knows of `subprocess`."""

    Popen = _Worker
    PIPE = subprocess.PIPE


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
