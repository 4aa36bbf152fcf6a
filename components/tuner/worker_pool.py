"""Processes that each run one trial at a time, and are replaced when they die."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]


@dataclass
class _Process:
    popen: subprocess.Popen[bytes]
    events: int
    buffer: bytes = b""
    job: str | None = None
    deadline: float | None = None


class WorkerPool:
    """Runs jobs in processes of their own.

    A process that dies (out of memory, a crash in native code) takes one trial with it, and no
    more.

    Parameters
    ----------
    runner : str
        Dotted path of a function that takes `arguments` and returns ``run(job, report)``; see
        `components.tuner.worker`.
    arguments : mapping
        JSON.
    count : int
        Jobs at the same time.
    threads : int or None
        Threads of each process; None leaves them to TensorFlow.
    """

    def __init__(
        self, runner: str, arguments: Mapping[str, Any], count: int, threads: int | None = None
    ) -> None:
        self._setup = {"runner": runner, "arguments": dict(arguments)}
        self._names = [f"worker-{number}" for number in range(count)]
        self._threads = threads
        self._processes: dict[str, _Process] = {}
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> WorkerPool:
        for name in self._names:
            self._start(name)
        return self

    def __exit__(self, *exception: object) -> None:
        for name in list(self._processes):
            self._end(name)
        self._selector.close()

    def idle(self) -> list[str]:
        """Return the workers without a job."""
        return [
            name
            for name in self._names
            if name not in self._processes or self._processes[name].job is None
        ]

    def submit(self, worker: str, job: Mapping[str, Any], *, limit: float | None = None) -> None:
        """Give an idle worker a job.

        Parameters
        ----------
        worker : str
        job : mapping
            With an ``id``; JSON.
        limit : float or None
            Seconds after which the process is killed.
        """
        if worker not in self._processes:
            self._start(worker)
        process = self._processes[worker]
        process.job = job["id"]
        process.deadline = None if limit is None else time.monotonic() + limit
        self._send(process, job)

    def answer(self, worker: str, *, stop: bool) -> None:
        """Answer an event ``epoch``, for which the worker waits."""
        if worker in self._processes:
            self._send(self._processes[worker], {"stop": stop})

    def wait(self) -> list[tuple[str, Event]]:
        """Return the next events of jobs.

        An event has the job's ``id`` and its kind, ``event``: ``epoch`` (with what the job
        reported; to be answered), ``done`` (``result``), or ``failed`` (``state``, ``error``), also
        when the process died or was killed at its limit.
        """
        while True:
            found = self._read()
            if found:
                return found

    def _read(self) -> list[tuple[str, Event]]:
        limits = [p.deadline for p in self._processes.values() if p.deadline and p.job]
        wait = max(min(limits) - time.monotonic(), 0.0) if limits else None
        found: list[tuple[str, Event]] = []
        for key, _ in self._selector.select(wait):
            name = key.data
            process = self._processes[name]
            chunk = os.read(process.events, 1 << 20)
            if not chunk:
                found += self._died(name)
                continue
            *lines, process.buffer = (process.buffer + chunk).split(b"\n")
            for line in lines:
                event = json.loads(line)
                if event["event"] in ("done", "failed"):
                    process.job = process.deadline = None
                found.append((name, event))
        now = time.monotonic()
        for name, process in list(self._processes.items()):
            if process.job and process.deadline is not None and process.deadline <= now:
                event = {"event": "failed", "id": process.job, "state": "unfinished"}
                found.append((name, {**event, "error": "cut off when the time was up"}))
                self._end(name)
        return found

    def _died(self, name: str) -> list[tuple[str, Event]]:
        process = self._processes[name]
        code = process.popen.wait()
        self._end(name)
        if process.job is None:
            raise RuntimeError(f"A trial's process ended before it began, with exit code {code}.")
        killed = code == -signal.SIGKILL
        how = "was killed" if killed else f"ended with exit code {code}"
        if code < 0 and not killed:
            how = f"was ended by {signal.Signals(-code).name}"
        event = {
            "event": "failed",
            "id": process.job,
            # What the kernel does to the largest process when memory runs out.
            "state": "out_of_memory" if killed else "crashed",
            "error": f"the trial's process {how}" + (", as if out of memory" if killed else ""),
        }
        return [(name, event)]

    def _start(self, name: str) -> None:
        read, write = os.pipe()
        environment = dict(os.environ)
        if self._threads is not None:
            environment |= {
                "OMP_NUM_THREADS": str(self._threads),
                "TF_NUM_INTRAOP_THREADS": str(self._threads),
                "TF_NUM_INTEROP_THREADS": str(self._threads),
            }
        popen = subprocess.Popen(
            [sys.executable, "-m", "components.tuner.worker", str(write)],
            stdin=subprocess.PIPE,
            stdout=2,  # what a trial prints belongs into the log
            pass_fds=(write,),
            env=environment,
        )
        os.close(write)
        process = _Process(popen, read)
        self._processes[name] = process
        self._selector.register(read, selectors.EVENT_READ, name)
        self._send(process, self._setup)

    def _end(self, name: str) -> None:
        process = self._processes.pop(name)
        self._selector.unregister(process.events)
        os.close(process.events)
        process.popen.kill()
        process.popen.wait()
        if process.popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.popen.stdin.close()

    @staticmethod
    def _send(process: _Process, message: Mapping[str, Any]) -> None:
        assert process.popen.stdin is not None
        # If the process is gone, reading its events tells so.
        with contextlib.suppress(BrokenPipeError):
            process.popen.stdin.write(json.dumps(message).encode() + b"\n")
            process.popen.stdin.flush()
