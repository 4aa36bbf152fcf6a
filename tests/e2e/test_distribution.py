"""Distributed training inside the DAG: what a person types, and what is there afterwards."""

import re
import time

import psutil
import pytest

from tests.e2e.harness import Project, make_project

pytestmark = pytest.mark.e2e

TRAINER = "trainer: {{epochs: 12, distribution: {}}}\n"


def workers() -> list[psutil.Process]:
    """Return the processes of distributed trainings on this machine."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "components.models.distribution.worker" in (process.info["cmdline"] or ()):
            found.append(process)
    return found


def project_for(directory, distribution: str) -> Project:
    return make_project(directory, settings=TRAINER.format(distribution))


def test_a_run_on_two_devices_is_as_good_and_says_so(tmp_path):
    plain = project_for(tmp_path / "one", "{strategy: one_device}").run().json
    project = project_for(tmp_path / "two", "{strategy: mirrored, devices: 2}")
    done = project.run().json
    assert done["state"] == "COMPLETE"
    assert done["metrics"]["AUC"] == pytest.approx(plain["metrics"]["AUC"], abs=0.01)
    [told] = [note for note in done["notes"] if "parameters, best epoch" in note]
    assert re.search(r"; mirrored on CPU:0, CPU:1: [\d,]+ examples/s, [\d.]+ ms per step$", told)
    history = project.newest("Trainer/model_run", "history.json")
    assert (history["strategy"], history["devices"]) == ("mirrored", ["CPU:0", "CPU:1"])
    shown = project.call("artifacts", "--json").out
    assert "examples_per_second" in shown
    assert project.run().json["counts"]["executed"] == 0


def test_a_run_that_is_killed_leaves_no_process_and_resumes(tmp_path):
    before = {process.pid for process in workers()}
    project = project_for(tmp_path, "{strategy: multi_worker_mirrored, workers: 2}")
    project.run("--set", "trainer.checkpoint_seconds=0", fault="kill-midway:Trainer", expect=1)
    end = time.monotonic() + 30
    while {process.pid for process in workers()} - before and time.monotonic() < end:
        time.sleep(0.2)
    assert not {process.pid for process in workers()} - before
    done = project.run(verb="resume").json
    assert done["state"] == "COMPLETE"
    history = project.newest("Trainer/model_run", "history.json")
    assert history["resumed_from"] >= 5
    assert len(history["devices"]) == 2


@pytest.mark.parametrize(
    ("distribution", "words"),
    [
        ("{strategy: mirored}", ["trainer.distribution.strategy", "nearest: mirrored"]),
        ("{strategy: mirrored, devices: 3}", ["trainer.model.batch_size", "Set 126"]),
    ],
)
def test_bad_input_ends_with_exit_code_2_and_writes_nothing(tmp_path, distribution, words):
    project = project_for(tmp_path, distribution)
    refused = project.call("run", expect=2)
    for word in words:
        assert word in refused.err
    assert not project.root.exists()
