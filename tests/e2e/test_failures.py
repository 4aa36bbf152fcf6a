"""Whatever happens to a run: its state afterwards is right, and resume comes to the same end."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import NODES, Project, make_project

pytestmark = pytest.mark.e2e

FAST = """
trainer:
  epochs: 4
  checkpoint_seconds: 0
  model: {hidden_units: [8], dropout: 0.1}
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The metrics of a run that nothing happens to, in processes as a person starts them."""
    project = make_project(tmp_path_factory.mktemp("undisturbed"), settings=FAST)
    return project.run(new_process=True).json["metrics"]


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path, settings=FAST)


def _check_clean(project: Project):
    """Nothing is left running, and nothing orphaned after gc."""
    executions = project.call("show", "--json").json["executions"]
    assert all(execution["state"] != "RUNNING" for execution in executions)
    project.call("gc", "--apply")
    assert project.call("fsck", "--json").json == []


def test_kill_9_in_each_node_then_resume(project, undisturbed):
    """One root is killed in node after node; each resume gets one node further."""
    for place, node in enumerate(NODES):
        verb = "run" if place == 0 else "resume"
        killed = project.call(verb, fault=f"kill:{node}", expect=1)
        assert re.search(rf"{node} +failed", killed.err)
        assert "SIGKILL" in killed.err
        assert "resume" in killed.err
        shown = project.call("show", "--json").json
        assert shown["run"]["state"] == "FAILED"
        states = {e["node"]: e for e in shown["executions"]}
        assert states[node]["state"] == "FAILED"
        assert "SIGKILL" in states[node]["error"]
        assert not project.root.joinpath("serving").exists() or node == "Pusher"
    done = project.run(verb="resume").json
    assert done["state"] == "COMPLETE"
    assert done["metrics"] == undisturbed
    _check_clean(project)


def test_kill_9_while_training_resumes_from_the_checkpoint(project, undisturbed):
    project.call("run", fault="kill-midway:Trainer", expect=1)
    assert list(project.root.glob("checkpoints/Trainer/*/state.json"))
    assert project.run(verb="resume").json["metrics"] == undisturbed
    [history] = project.root.glob("artifacts/Trainer/model_run/*/history.json")
    assert json.loads(history.read_text())["resumed_from"] >= 1
    assert not list(project.root.glob("checkpoints/Trainer/*"))
    _check_clean(project)


def test_kill_9_of_the_whole_command_is_noticed_by_the_next(project, undisturbed):
    process = project.start("run", fault="hang:Trainer", new_process=True)
    _wait_for_child(project)
    process.kill()
    process.wait()
    shown = project.call("show", "--json").json
    trainer = next(e for e in shown["executions"] if e["node"] == "Trainer")
    # A read verb writes nothing, yet does not claim that a dead process runs.
    assert trainer["state"] != "RUNNING"
    assert project.run(verb="resume").json["metrics"] == undisturbed
    first = project.call("runs", "--json").json["runs"][-1]
    assert first["state"] == "INTERRUPTED"
    _kill_child(project)
    _check_clean(project)


def test_an_interrupted_run_ends_at_once_with_130(project, undisturbed):
    for verb, number in (("run", signal.SIGINT), ("resume", signal.SIGTERM)):
        process = project.start(verb, fault="hang:Evaluator", new_process=number == signal.SIGINT)
        child = _wait_for_child(project)
        started = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert time.monotonic() - started < 10
        assert not _runs(child)
        shown = project.call("show", "--json").json
        assert shown["run"]["state"] == "INTERRUPTED"
        assert project.states()["Evaluator"] == "FAILED"
        project.directory.joinpath("fault.child").unlink()
    resumed = project.run(verb="resume").json
    assert resumed["metrics"] == undisturbed
    assert project.executed() == {"Evaluator", "Pusher"}
    _check_clean(project)


def test_an_exception_is_recorded_with_its_cause_and_log(project):
    failed = project.call("run", fault="raise:Transform", expect=1)
    for words in (
        "Transform failed while executing",
        "RuntimeError: the fault of this test",
        "Transform.log",
        "local_runner.py resume --config",
    ):
        assert words in failed.err
    execution = project.executions()["Transform"]
    assert execution["state"] == "FAILED"
    assert execution["error_type"] == "RuntimeError"
    assert execution["error"] == "RuntimeError: the fault of this test"
    assert execution["phase"] == "executing"
    assert "the fault of this test" in Path(execution["log"]).read_text()
    assert "Trainer" not in project.executions()
    log = project.call("logs", "latest", "Transform").out
    assert "Traceback" in log
    _check_clean(project)


def test_a_node_is_retried(tmp_path):
    project = make_project(tmp_path, settings=FAST + "nodes:\n  Transform: {retries: 1}\n")
    done = project.run(fault="raise-once:Transform")
    assert done.json["state"] == "COMPLETE"
    assert re.search(r"Transform +retrying", done.err)
    attempts = [
        (e["attempt"], e["state"])
        for e in project.call("show", "--json").json["executions"]
        if e["node"] == "Transform"
    ]
    assert attempts == [(1, "FAILED"), (2, "COMPLETE")]
    _check_clean(project)


def test_a_timed_out_node_is_ended_with_its_children(tmp_path, undisturbed):
    settings = FAST + "nodes:\n  StatisticsGen: {timeout: 5, retries: 1}\n"
    project = make_project(tmp_path, settings=settings)
    done = project.run(fault="hang-once:StatisticsGen")
    assert done.json["state"] == "COMPLETE"
    assert done.json["metrics"] == undisturbed
    child = int((tmp_path / "fault.child").read_text())
    assert not _runs(child)
    attempts = [
        (e["attempt"], e["state"], e["error"])
        for e in project.call("show", "--json").json["executions"]
        if e["node"] == "StatisticsGen"
    ]
    assert attempts == [(1, "FAILED", "timed out after 5 s"), (2, "COMPLETE", None)]
    # ExampleGen was done before the process was replaced.
    assert project.states()["ExampleGen"] == "COMPLETE"

    once = ("--set", "nodes.StatisticsGen.retries=0")
    failed = project.call("run", "--no-cache", *once, fault="hang:StatisticsGen", expect=1)
    assert "timed out after 5 s" in failed.err
    assert project.call("show", "--json").json["run"]["state"] == "FAILED"
    _check_clean(project)


def test_a_second_command_on_the_same_root_is_refused(project):
    process = project.start("run", fault="hang:ExampleGen")
    _wait_for_child(project)
    refused = project.call("run", expect=2)
    assert "Another command runs this pipeline" in refused.err
    assert str(process.pid) in refused.err
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    # Its end makes room for the next.
    resumed = project.call("resume", fault="raise:StatisticsGen", expect=1)
    assert re.search(r"ExampleGen +complete", resumed.err)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_fails_the_node_and_resume_goes_on(project, undisturbed):
    project.root.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(project.root)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts no tmpfs: {mounted.stderr.strip()}")
    try:
        failed = project.call("run", expect=1)
        assert "No space left on device" in failed.err or "disk" in failed.err.lower()
        subprocess.run(["mount", "-o", "remount,size=200m", str(project.root)], check=True)
        shown = project.call("show", "--json").json
        assert all(e["state"] != "RUNNING" for e in shown["executions"])
        assert project.run(verb="resume").json["metrics"] == undisturbed
        _check_clean(project)
    finally:
        subprocess.run(["umount", "-l", str(project.root)], check=True)


def _wait_for_child(project: Project) -> int:
    path = project.directory / "fault.child"
    for _ in range(600):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.1)
    raise AssertionError("the node never began to hang")


def _runs(pid: int) -> bool:
    """Whether a process runs; one that ended may wait for a parent to notice."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill_child(project: Project) -> None:
    """End what a killed command could not end itself."""
    child = int((project.directory / "fault.child").read_text())
    if _runs(child):
        psutil.Process(child).kill()
