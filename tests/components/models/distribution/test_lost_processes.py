"""A process that never comes, dies or hangs: an error in time, or the last checkpoint."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from components.models import training
from components.models.distribution.supervision import WorkerLostError, free_addresses
from tests.components.models.distribution import trainings

REPOSITORY = Path(__file__).parents[4]
SLOW_STEPS = {"epochs": 25, "learning_rate": 0.02}
WORKER = [sys.executable, "-m", "components.models.distribution.worker"]


@pytest.fixture(autouse=True)
def nothing_is_left_running():
    yield
    assert not trainings.processes()


@contextlib.contextmanager
def when_begun(place, task, action):
    """Do something to a process of a training, once there is a checkpoint."""
    seen = []

    def run():
        while not seen:
            time.sleep(0.02)
            if training.checkpoint_epochs(place / "checkpoints") >= 2:
                family = trainings.processes()
                if task in family:
                    seen.extend(family.values())
                    action(family[task])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield seen
    thread.join(1)
    assert seen
    assert not any(process.is_running() for process in seen)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The history of a training on one device that nothing happens to."""
    place = tmp_path_factory.mktemp("undisturbed")
    return trainings.fit(place, trainings.settings("one_device"), **SLOW_STEPS)[1]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ({"strategy": "multi_worker_mirrored", "workers": 2}, ("worker", 1)),
        ({"strategy": "parameter_server", "workers": 1}, ("worker", 0)),
    ],
)
def test_a_killed_worker_costs_what_came_after_the_checkpoint(
    tmp_path, capfd, undisturbed, values, task
):
    with when_begun(tmp_path, task, lambda process: process.kill()):
        _, history = trainings.fit(tmp_path, trainings.settings(**values), **SLOW_STEPS)
    log = capfd.readouterr().err
    assert f"worker {task[1]} was ended by SIGKILL" in log
    assert f"from the checkpoint after epoch {history.resumed_from} (restart 1 of at most 1)" in log
    assert (history.restarts, len(history.epochs)) == (1, 25)
    assert 2 <= history.resumed_from < 25
    assert history.best_loss == pytest.approx(undisturbed.best_loss, rel=1e-4)


def test_a_worker_that_hangs_is_named_in_time(tmp_path):
    distribution = trainings.settings("multi_worker_mirrored", deadline=12, restarts=0)
    stopped = []

    def stop(process):
        stopped.append(time.monotonic())
        process.send_signal(signal.SIGSTOP)

    with (
        when_begun(tmp_path, ("worker", 1), stop),
        pytest.raises(WorkerLostError, match=r"worker 1 gave no sign of life for \d+ s"),
    ):
        trainings.fit(tmp_path, distribution, epochs=100_000)
    assert time.monotonic() - stopped[0] < 30
    assert training.checkpoint_epochs(tmp_path / "checkpoints") >= 2


@pytest.mark.parametrize(
    ("strategy", "cluster", "task"),
    [
        ("multi_worker_mirrored", {"worker": 2}, "worker"),
        ("parameter_server", {"chief": 1, "worker": 1, "ps": 1}, "chief"),
    ],
)
def test_a_worker_that_never_comes_is_not_waited_for(
    tmp_path, monkeypatch, strategy, cluster, task
):
    addresses = {kind: free_addresses(count) for kind, count in cluster.items()}
    given = {"cluster": addresses, "task": {"type": task, "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(given))
    began = time.monotonic()
    with pytest.raises(WorkerLostError, match=rf"{task} 0 waited 4 s .* never came"):
        trainings.fit(tmp_path, trainings.settings(strategy, deadline=4))
    assert time.monotonic() - began < 60


def test_the_trainer_is_the_chief_of_a_given_cluster(tmp_path, monkeypatch):
    addresses = {kind: free_addresses(1) for kind in ("chief", "worker", "ps")}
    given = {
        kind: json.dumps({"cluster": addresses, "task": {"type": kind, "index": 0}})
        for kind in addresses
    }
    servers = [
        subprocess.Popen(WORKER, env={**os.environ, "TF_CONFIG": given[kind]})
        for kind in ("worker", "ps")
    ]
    try:
        monkeypatch.setenv("TF_CONFIG", given["chief"])
        _, history = trainings.fit(tmp_path, trainings.settings("parameter_server"))
        assert history.devices == ["worker 0"]
        assert all(server.poll() is None for server in servers)
    finally:
        for server in servers:
            server.kill()
            server.wait()


def test_processes_end_with_the_trainer_even_if_it_is_killed(tmp_path):
    program = (
        "import pathlib; from tests.components.models.distribution import trainings as t;"
        f"t.fit(pathlib.Path({str(tmp_path)!r}), t.settings('multi_worker_mirrored'), epochs=9**9)"
    )
    trainer = subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY)
    try:
        end = time.monotonic() + 120
        while len(family := trainings.processes(trainer.pid)) < 2 and time.monotonic() < end:
            time.sleep(0.1)
        assert set(family) == {("worker", 0), ("worker", 1)}
        # From the first moment of a process on, and not only when it trains.
    finally:
        trainer.kill()
        trainer.wait()
    _, alive = psutil.wait_procs(family.values(), timeout=30)
    assert not alive
