"""The processes of one training, watched: each ends with it, and a lost one ends it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.errors import InputError, ModelworksError

#: Signs of life within a deadline, and the most seconds between two.
SIGNS, LONGEST_INTERVAL = 5, 2.0
#: Seconds that the imports of a process may take on a busy machine, if the deadline is shorter.
START_SECONDS = 300.0
#: Seconds that a process which has lost another one leaves to tell which.
PATIENCE_SECONDS = 3.0


class WorkerLostError(ModelworksError):
    """A process of a training did not come, died or does not get on.

    Attributes
    ----------
    began : bool
        Whether the training had begun: what began once may be worth another try.
    """

    began: bool = False


@dataclass
class Role:
    """What one process is.

    Attributes
    ----------
    name : str
        For people, such as ``worker 1``.
    environment : mapping
        Variables besides those of this process.
    trains : bool
        Whether its steps are those of the training; others serve it.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    trains: bool = True


@dataclass
class _Process:
    role: Role
    popen: subprocess.Popen[bytes]
    events: int
    seen: float
    buffer: bytes = b""
    beats: int = 0
    phase: str = "starting"


class Crew:
    """Processes that run one training; the first is its chief.

    Parameters
    ----------
    roles : sequence of Role
    job : str
        For each of them, as JSON.
    deadline : float
        Seconds of silence, or without a step, after which the training is given up.
    on_progress : callable
        Takes the share of the work that is done, and a text.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        job: str,
        *,
        deadline: float,
        on_progress: Callable[[float, str], None],
    ) -> None:
        self._roles = roles
        self._job = job.encode() + b"\n"
        self._deadline = deadline
        self._on_progress = on_progress
        self._processes: list[_Process] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Crew:
        try:
            for role in self._roles:
                self._start(role)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def run(self) -> dict[str, Any]:
        """Return the chief's last event when the training has ended.

        Raises
        ------
        WorkerLostError
            If a process is lost.
        InputError, ModelworksError
            What the chief, or any other, raised.
        """
        self._moved = time.monotonic()
        interval = heartbeat_seconds(self._deadline)
        while True:
            for key, _ in self._selector.select(interval):
                done = self._read(key.data)
                if done is not None:
                    return done
            self._check_deadlines()

    # ------------------------------------------------------------ what they say

    def _read(self, process: _Process) -> dict[str, Any] | None:
        chunk = os.read(process.events, 1 << 20)
        if not chunk:
            raise self._lost(f"{process.role.name} {self._how_it_ended(process)}")
        process.seen = time.monotonic()
        *lines, process.buffer = (process.buffer + chunk).split(b"\n")
        for line in lines:
            event = json.loads(line)
            kind = event["event"]
            if kind == "alive" and event["beats"] > process.beats:
                process.beats = event["beats"]
                if process.role.trains:
                    self._moved = process.seen
            elif kind in ("waiting", "ready"):
                process.phase, self._moved = kind, process.seen
            elif kind == "progress" and process is self._processes[0]:
                self._on_progress(event["fraction"], event["text"])
            elif kind == "done" and process is self._processes[0]:
                return dict(event)
            elif kind == "failed":
                raise self._failure(process, event)
        return None

    def _failure(self, process: _Process, event: dict[str, Any]) -> Exception:
        if "input_error" in event:
            found = event["input_error"]
            error = InputError(found["problem"])
            error.details = found["details"]
            return error
        if "kind" in event:
            from components.models import training  # late: TensorFlow

            known = getattr(training, event["kind"], ModelworksError)
            return known(event["error"])
        if not event["lost_peer"]:
            return RuntimeError(f"In {process.role.name}: {event['error']}")
        return self._lost(self._who_is_gone(process, event["error"]))

    def _who_is_gone(self, witness: _Process, error: str) -> str:
        """Return who is gone, when a process knows only that somebody is."""
        others = [process for process in self._processes if process is not witness]
        silent = self._silence(others)
        if silent is not None:
            return silent
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            for process in others:
                if process.popen.poll() is not None:
                    return f"{process.role.name} {self._how_it_ended(process)}"
            time.sleep(0.05)
        return f"{witness.role.name} lost another process of the cluster ({error})"

    def _how_it_ended(self, process: _Process) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.popen.wait(PATIENCE_SECONDS)
        code = process.popen.poll()
        if code is None:
            return "has closed its pipe"
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        why = " (by hand, or by the kernel because memory ran out)"
        return f"was ended by {name}{why if -code == signal.SIGKILL else ''}"

    # ------------------------------------------------------------ deadlines

    def _check_deadlines(self) -> None:
        now, limit = time.monotonic(), self._deadline
        if all(process.phase == "starting" for process in self._processes):
            limit = max(limit, START_SECONDS)
        for process in self._processes:
            # One that waits for others may hold Python's lock, and so its signs of life.
            if now - process.seen > limit and process.phase != "waiting":
                raise self._lost(f"{process.role.name} gave no sign of life for {limit:g} s")
        if now - self._moved <= limit:
            return
        in_phase = {
            phase: " and ".join(
                p.role.name for p in self._processes if p.role.trains and p.phase == phase
            )
            for phase in ("starting", "waiting")
        }
        if in_phase["starting"]:
            raise self._lost(f"{in_phase['starting']} did not come within {limit:g} s")
        if in_phase["waiting"]:
            raise self._lost(
                f"{in_phase['waiting']} waited {limit:g} s for other processes of the cluster, "
                "which never came"
            )
        raise self._lost(
            self._silence(self._processes) or f"the training did not get on for {limit:g} s"
        )

    def _silence(self, among: Sequence[_Process]) -> str | None:
        """Return who of some processes is silent the longest, if it is not for the moment."""
        now = time.monotonic()
        silent = min(among, key=lambda process: process.seen, default=None)
        if silent is None or now - silent.seen <= 2 * heartbeat_seconds(self._deadline):
            return None
        return f"{silent.role.name} gave no sign of life for {now - silent.seen:.0f} s"

    def _lost(self, what: str) -> WorkerLostError:
        error = WorkerLostError(
            f"The training lost a process: {what}. "
            "trainer.distribution.deadline says how long to wait for a sign of life or a step."
        )
        error.began = any(process.phase == "ready" for process in self._processes)
        return error

    # ------------------------------------------------------------ start and end

    def _start(self, role: Role) -> None:
        read, write = os.pipe()
        popen = subprocess.Popen(
            [sys.executable, "-m", "components.models.distribution.worker", str(write)],
            stdin=subprocess.PIPE,
            stdout=2,  # what a training prints belongs into the log
            pass_fds=(write,),
            env={**os.environ, **role.environment},
        )
        os.close(write)
        process = _Process(role, popen, read, seen=time.monotonic())
        self._processes.append(process)
        self._selector.register(read, selectors.EVENT_READ, process)
        assert popen.stdin is not None
        # If the process is gone, reading its events tells so.
        with contextlib.suppress(BrokenPipeError):
            popen.stdin.write(self._job)
            popen.stdin.close()

    def _end(self) -> None:
        """Kill all: a process whose peers are gone heeds nothing else."""
        for process in self._processes:
            process.popen.kill()
        for process in self._processes:
            process.popen.wait()
            os.close(process.events)
        self._selector.close()


def heartbeat_seconds(deadline: float) -> float:
    """Return the time between two signs of life."""
    return min(deadline / SIGNS, LONGEST_INTERVAL)


def free_addresses(count: int) -> list[str]:
    """Return addresses of this machine that nobody listened to a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [f"localhost:{each.getsockname()[1]}" for each in sockets]
