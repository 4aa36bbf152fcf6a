"""Starts the process that runs the DAG, watches it, and ends it.

The DAG runs in a process of its own, so that whatever happens to it (a timeout, Ctrl-C,
the kernel's out-of-memory killer) is noticed, recorded and reported by one that has
imported nothing heavy.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from components.errors import INTERRUPTED, InputError
from pipeline.config import PipelineConfig
from pipeline.job import Event, Job
from pipeline.store import Store
from pipeline.store_config import connection_config


class Supervisor:
    """Runs one job.

    Entering the context takes the pipeline's lock and starts the process, whose
    imports then take place while the caller inspects the data; leaving it ends the
    process, with all its children.

    Parameters
    ----------
    config : PipelineConfig
        Tells the root and the store.
    """

    def __init__(self, config: PipelineConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._events = -1
        self._deadline: float | None = None
        self._log = config.root / "logs" / "worker.log"
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Supervisor:
        created = _create_directories(self._config.root / "logs")
        self._stack.callback(_remove_if_empty, created)
        self._stack.enter_context(_lock(self._config.root))
        self._start()
        self._stack.callback(self._end_process)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def run(self, job: Job, on_event: Callable[[Event], None]) -> int:
        """Run `job`, passing its events on, and return the exit code."""
        store = Store(connection_config(self._config.store, self._config.root), self._config.name)
        store.mark_dead()
        while True:
            self._send(job)
            try:
                outcome = self._watch(job, on_event)
            except KeyboardInterrupt:
                self._end_process()
                self._record_end(store, job, "INTERRUPTED", "interrupted by the user")
                on_event({"event": "end", "state": "INTERRUPTED", "exit_code": INTERRUPTED})
                return INTERRUPTED
            if isinstance(outcome, int):
                return outcome
            # A timed-out attempt is over; the next one needs a process of its own.
            self._end_process()
            node, attempt, limit, execution = outcome
            cause = f"timed out after {limit:g} s"
            if execution is not None:
                store.record_execution(
                    execution,
                    state="FAILED",
                    mw_error_type="TimeoutError",
                    mw_error=cause,
                    mw_phase="executing",
                    mw_ended=time.time(),
                )
            again = attempt <= self._config.node(node).retries
            on_event(
                {
                    "event": "node",
                    "node": node,
                    "state": "retrying" if again else "failed",
                    "seconds": limit,
                    "phase": "executing",
                    "cause": cause,
                    "log": str(self._config.root / "logs" / job.run_id / f"{node}.log"),
                }
            )
            if not again:
                self._record_end(store, job, "FAILED", cause)
                on_event({"event": "end", "state": "FAILED", "exit_code": 1})
                return 1
            job = job.model_copy(update={"attempts": {**job.attempts, node: attempt}})
            self._start()

    # ------------------------------------------------------------ the process

    def _start(self) -> None:
        read, write = os.pipe()
        log = open(self._log, "wb")  # noqa: SIM115 (the process keeps it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.worker", str(write)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(write,),
            cwd=Path(__file__).parents[1],
            # Own functions are looked up from where the user is, as in any Python program.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_search_path())},
            # Ctrl-C reaches the supervisor alone, which then decides.
            start_new_session=True,
        )
        log.close()
        os.close(write)
        self._events = read

    def _send(self, job: Job) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its death is seen when watching
            self._process.stdin.write(job.dump().encode())
            self._process.stdin.close()

    def _watch(
        self, job: Job, on_event: Callable[[Event], None]
    ) -> int | tuple[str, int, float, int | None]:
        """Return the exit code, or what timed out: node, attempt, limit, execution."""
        running: Event | None = None
        execution: int | None = None
        self._deadline = None
        since = 0.0
        ended = False
        for event in self._read_events():
            if event is None:
                assert running is not None
                limit = self._config.node(running["node"]).timeout
                assert limit is not None
                return running["node"], running["attempt"], limit, execution
            if event["event"] == "execution":
                execution = event["execution"]
            elif event["event"] == "node":
                running, execution, self._deadline = None, None, None
                if event["state"] == "running":
                    running, since = event, time.monotonic()
                    limit = self._config.node(event["node"]).timeout
                    self._deadline = time.monotonic() + limit if limit else None
            elif event["event"] in ("end", "error"):
                ended = True
            on_event(event)
        assert self._process is not None
        code = self._process.wait()
        if ended:
            return code
        if running is not None:
            running = {**running, "seconds": time.monotonic() - since}
        return self._report_death(job, code, running, on_event)

    def _report_death(
        self, job: Job, code: int, running: Event | None, on_event: Callable[[Event], None]
    ) -> int:
        """Record and report that the process ended without a word."""
        if code < 0:
            name = signal.Signals(-code).name
            cause = f"the pipeline's process was ended by {name}"
            if -code == signal.SIGKILL:
                cause += " (by hand, or by the kernel because memory ran out)"
        else:
            cause = f"the pipeline's process ended with exit code {code}"
        store = Store(connection_config(self._config.store, self._config.root), self._config.name)
        self._record_end(store, job, "FAILED", cause)
        if running is not None:
            on_event({**running, "state": "failed", "phase": "executing", "cause": cause})
            on_event({"event": "end", "state": "FAILED", "exit_code": 1})
        else:
            on_event({"event": "error", "cause": f"{cause}; see {self._log}"})
        return 1

    def _record_end(self, store: Store, job: Job, state: str, cause: str) -> None:
        """Mark what the dead process left running, then the run."""
        store.mark_dead(cause)
        if store.has_run(job.run_id):
            store.record_run(job.run_id, mw_state=state, mw_ended=time.time())

    def _read_events(self) -> Iterator[Event | None]:
        """Yield events until the pipe closes; None when the deadline has passed."""
        buffer = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._events, selectors.EVENT_READ)
            while True:
                wait = None if self._deadline is None else self._deadline - time.monotonic()
                wait = None if wait is None else max(wait, 0)
                if not selector.select(wait):
                    yield None
                    return
                chunk = os.read(self._events, 1 << 16)
                if not chunk:
                    return
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)

    def _end_process(self) -> None:
        """End the process and all that it started; they hold nothing worth saving."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        os.close(self._events)
        self._process = None


def _search_path() -> list[str]:
    return [path for path in (os.getcwd(), os.environ.get("PYTHONPATH")) if path]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Treat a request to terminate like Ctrl-C inside the block."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextlib.contextmanager
def _lock(root: Path) -> Iterator[None]:
    """Hold the pipeline's lock; the kernel releases it if the process dies."""
    with open(root / ".lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"Another command runs this pipeline (process {file.read().strip() or '?'}).",
                file=str(root),
                remedy="wait for it to end, or choose another root",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _create_directories(path: Path) -> list[Path]:
    """Create `path` with its parents; return what was created, the deepest first."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The pipeline's root cannot be created: {error.strerror}.",
            file=str(path),
            setting="root",
        ) from None
    return missing


def _remove_if_empty(directories: list[Path]) -> None:
    """Remove what a command that did nothing has created."""
    if not directories:
        return
    logs = directories[0]
    root = logs.parent
    if {p.name for p in root.iterdir()} <= {"logs", ".lock"} and {
        p.name for p in logs.iterdir()
    } <= {"worker.log"}:
        (logs / "worker.log").unlink(missing_ok=True)
        (root / ".lock").unlink(missing_ok=True)
        for directory in directories:
            with contextlib.suppress(OSError):
                directory.rmdir()
