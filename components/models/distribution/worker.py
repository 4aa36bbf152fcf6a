"""A process of a training: ``python -m components.models.distribution.worker [FD]``.

With a file descriptor it reads a job from standard input, as one line of JSON, and writes events
there as JSON lines. Without, it is a worker or a server of the cluster for
``parameter_server`` that the environment variable ``TF_CONFIG`` describes, until it is ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components import progress
from components.errors import InputError, ModelworksError
from components.models.distribution import heartbeat
from components.models.distribution.config import ParameterServer, given_cluster
from components.processes import be_killed_first, die_with_parent

#: Seconds that a member of a given cluster stays for the last message of another one.
LINGER_SECONDS = 2.0
#: Errors of TensorFlow by which a process learns that another one of its cluster is gone.
_LOST_PEER = (
    "UnavailableError",
    "AbortedError",
    "CancelledError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "ClosureAbortedError",
    "ClosureInputError",
)


class _Events:
    """Writes events; if nobody reads them, this process has no reason to be."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", buffering=1)
        self._lock = threading.Lock()

    def emit(self, event: str, **said: Any) -> None:
        with self._lock:
            try:
                self._file.write(json.dumps({"event": event, **said}) + "\n")
            except BrokenPipeError:
                os._exit(1)

    def beat(self, seconds: float) -> None:
        """Give signs of life from a thread of its own."""

        def run() -> None:
            while True:
                self.emit("alive", beats=heartbeat.beats())
                time.sleep(seconds)

        threading.Thread(target=run, daemon=True).start()


def main() -> None:
    """Do what this process is for."""
    if len(sys.argv) == 1:
        serve()
    die_with_parent()
    be_killed_first()
    events = _Events(int(sys.argv[1]))
    line = sys.stdin.readline()
    if not line:  # whoever started it is gone
        return
    # Before anything heavy is imported.
    events.beat(json.loads(line)["heartbeat"])
    try:
        _run(line, events)
    except InputError as error:
        events.emit("failed", input_error={"problem": error.problem, "details": error.details})
    except ModelworksError as error:
        events.emit("failed", error=str(error), kind=type(error).__name__)
    except Exception as error:
        traceback.print_exc()
        events.emit(
            "failed",
            error=f"{type(error).__name__}: {_essence(str(error))}",
            lost_peer=type(error).__name__ in _LOST_PEER and given_cluster() is not None,
        )


def _essence(message: str) -> str:
    """Return what an error of TensorFlow says besides where, which is in the log."""
    where = ("Detected at node", "Graph execution error", "File ")
    lines = [line.strip() for line in message.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(where))[:500]


def _run(line: str, events: _Events) -> None:
    from components.models.distribution.job import Job

    job = Job.model_validate_json(line)
    given = given_cluster()
    if (
        isinstance(job.distribution, ParameterServer)
        and given is not None
        and given["task"]["type"] != "chief"
    ):
        serve()
    train(job, events)


def train(job: Any, events: _Events) -> None:
    """Train, and write the weights where they belong."""
    from components.models import fitting
    from components.models.distribution import job as jobs
    from components.models.distribution.table import STRATEGIES

    progress.listen(lambda fraction, text: events.emit("progress", fraction=fraction, text=text))
    events.emit("waiting")
    strategy = STRATEGIES[job.distribution.strategy](job.distribution)
    # Where each process has a root of its own, each keeps what it makes.
    strategy.keeps = strategy.chief or job.alone
    strategy.checkpoints = Path(job.checkpoints)
    events.emit("ready")
    directory = Path(job.directory)
    arrays = {split: jobs.read_arrays(directory / split) for split in (jobs.TRAIN, jobs.EVAL)}
    model, history = fitting.fit(
        job.member,
        job.features,
        arrays[jobs.TRAIN],
        arrays[jobs.EVAL],
        job.training,
        watch=fitting.Watch(
            checkpoints=Path(job.checkpoints),
            checkpoint_seconds=job.checkpoint_seconds,
            logs=Path(job.logs) if job.logs and strategy.keeps else None,
        ),
        strategy=strategy,
    )
    weights = model.get_weights()  # which takes all that train in step
    if strategy.keeps:
        jobs.write_weights(directory, weights)
    strategy.total(0.0)  # nobody leaves while another one reads them
    if job.alone:
        time.sleep(LINGER_SECONDS)
    elif not strategy.chief:
        threading.Event().wait()  # until the chief has said that it is done, and all are ended
    events.emit("done", history=asdict(history))


def serve() -> None:
    """Work for the chief of the cluster that the environment describes, until ended."""
    import tensorflow as tf

    given = given_cluster()
    if given is None or given["task"]["type"] not in ("worker", "ps"):
        raise SystemExit("TF_CONFIG must name a task of the type worker or ps of a cluster.")
    server = tf.distribute.Server(
        tf.train.ClusterSpec(given["cluster"]),
        job_name=given["task"]["type"],
        task_index=int(given["task"]["index"]),
        protocol="grpc",
    )
    server.join()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Threads of TensorFlow may wait for processes that are gone.
    os._exit(0)
