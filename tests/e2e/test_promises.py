"""What a run promises about the cache, reruns and damage."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness import NODES, REPOSITORY, Project, make_project

pytestmark = pytest.mark.e2e

FAST = "trainer:\n  epochs: 3\n  model: {hidden_units: [8]}\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project after one run."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project", settings=FAST)
    project.run()
    return project


@pytest.fixture
def project(finished, tmp_path):
    """The finished project, as it was before other tests."""
    with finished.restored(tmp_path / "backup") as project:
        yield project


def test_a_second_run_executes_nothing_and_says_so(project: Project):
    done = project.run().json
    assert done["counts"]["executed"] == 0
    assert done["counts"]["cached"] == len(NODES)
    assert project.executed() == set()
    assert project.call("fsck", "--json").json == []
    again = project.call("run")
    assert "nothing executed" in again.out
    for node in NODES:
        assert re.search(rf"{node} +cached", again.err)


def test_a_changed_setting_reruns_its_node_and_what_depends_on_it(project: Project):
    project.run("--set", "trainer.epochs=2")
    assert project.executed() == {"Trainer", "Evaluator", "Pusher"}


def test_touching_the_data_changes_nothing_and_editing_it_does(project: Project):
    data = project.directory / "breast_cancer.csv"
    os.utime(data)
    assert project.run().json["counts"]["executed"] == 0
    lines = data.read_text().splitlines()
    data.write_text("\n".join(lines[:-1]) + "\n")
    project.run()
    assert project.executed() == set(NODES)


def test_rerun_executes_one_node_whatever_the_cache_holds(project: Project):
    assert project.run("Trainer", verb="rerun").json["counts"]["executed"] == 1
    states = project.states()
    assert states["Trainer"] == "COMPLETE"
    assert "Evaluator" not in states
    project.run("Transform", "--downstream", verb="rerun")
    assert project.executed() == {"Transform", "Trainer", "Evaluator", "Pusher"}


def test_rerun_builds_on_the_last_good_run_and_not_on_a_failed_one(project: Project):
    good = project.call("runs", "--json").json["runs"][0]["id"]
    project.run("--no-cache", fault="raise:StatisticsGen", expect=1)
    project.run("Trainer", verb="rerun")
    assert project.call("show", "--json").json["run"]["base"] == good
    refused = project.call("rerun", "Trainer", "--base", "20990101", expect=2)
    assert "20990101" in refused.err


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_a_damaged_output_is_made_again(project: Project, damage):
    [file] = project.root.glob("artifacts/Transform/transform_graph/*/features.json")
    if damage == "truncate":
        os.truncate(file, file.stat().st_size - 1)
    else:
        shutil.rmtree(file.parent)
    found = project.call("fsck", "--json", expect=1).json
    assert [f["kind"] for f in found if "Transform/transform_graph" in f["path"]][:1] == [
        "damaged output"
    ]
    done = project.run()
    assert "not used again" in done.err
    assert project.executed() == {"Transform", "Trainer", "Evaluator", "Pusher"}


def test_a_rerun_on_a_damaged_input_fails_and_says_why(project: Project):
    [file] = project.root.glob("artifacts/Transform/transform_graph/*/features.json")
    os.truncate(file, 0)
    failed = project.call("rerun", "Trainer", expect=None)
    assert failed.code in (1, 2)
    assert "Transform" in failed.err
    assert "Trainer" not in project.executed()


def test_a_removed_pushed_model_is_pushed_again(project: Project):
    shutil.rmtree(project.root / "serving")
    project.run()
    assert project.executed() == {"Pusher"}
    assert list((project.root / "serving").glob("*/saved_model.pb"))


def test_editing_a_helper_reruns_its_component_and_what_depends_on_it(tmp_path):
    """On a copy of the source, because the test edits it."""
    copy = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if name.startswith(("components/", "pipeline/", "schemas/", "local_runner")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name)
    project = make_project(tmp_path / "project", settings=FAST)
    project.run(repository=copy)
    helper = copy / "components" / "evaluator" / "slices.py"
    helper.write_text(helper.read_text() + "\n# edited\n")
    explained = project.call("explain-cache", "Evaluator", "--json", repository=copy).json
    assert explained["verdict"] == "would execute"
    assert "code" in explained["reasons"][0]
    project.run(repository=copy)
    assert project.executed() == {"Evaluator", "Pusher"}
    card = copy / "components" / "evaluator" / "card.py"
    card.write_text('"""A section of the report is made from the output."""\n')
    assert project.run(repository=copy).json["counts"]["executed"] == 0


def test_explain_cache_foretells_what_a_run_does(project: Project):
    for node in NODES:
        found = project.call("explain-cache", node, "--json").json
        assert found["verdict"] == "from the cache", found
    change = ("--set", "trainer.epochs=4")
    found = project.call("explain-cache", "Trainer", "--json", *change).json
    assert found["verdict"] == "would execute"
    assert "epochs was 3, is 4" in found["reasons"][0]
    found = project.call("explain-cache", "Pusher", "--json", *change).json
    assert found["reasons"] == ["Evaluator would execute, which gives it a new input"]
    assert project.call("explain-cache", "Transform", "--json", *change).json["verdict"] == (
        "from the cache"
    )


def test_nodes_can_be_switched_off(project: Project):
    off = [
        argument
        for node in ("ExampleValidator", "Evaluator", "Pusher")
        for argument in ("--set", f"nodes.{node}.enabled=false")
    ]
    project.run(*off)
    assert set(project.states()) == set(NODES) - {"ExampleValidator", "Evaluator", "Pusher"}
    refused = project.call("run", "--set", "nodes.Trainer.enabled=false", expect=2)
    assert "cannot be switched off" in refused.err


def test_a_model_that_is_not_blessed_is_not_pushed(project: Project):
    """Not by a full run, not by one of a node, and not by one that is resumed."""
    narrow = ("--set", "evaluator.thresholds.AUC.min=1.5")
    pushed = sorted((project.root / "serving").iterdir())

    def refused(*arguments: str, **options) -> dict:
        done = project.run(*arguments, expect=3, **options).json
        assert done["state"] == "REFUSED"
        [reason] = done["refusals"]
        assert "AUC" in reason
        assert "1.5" in reason
        assert sorted((project.root / "serving").iterdir()) == pushed
        return done

    first = refused(*narrow)
    # The verdict holds when it comes from the cache.
    assert refused(*narrow)["counts"]["executed"] == 0
    refused("Evaluator", "--downstream", *narrow, verb="rerun")
    refused("Pusher", "--base", first["run"], *narrow, verb="rerun")
    project.run(*narrow, "--set", "trainer.seed=3", fault="kill:Evaluator", expect=1)
    refused(verb="resume")
    assert project.run().json["state"] == "COMPLETE"


def test_a_baseline_is_the_model_blessed_before(project: Project):
    project.run("--set", "trainer.seed=2")
    evaluations = sorted(
        project.root.glob("artifacts/Evaluator/evaluation/*/evaluation.json"),
        key=lambda path: int(path.parent.name),
    )
    first, second = (json.loads(path.read_text()) for path in evaluations)
    assert set(first["metrics"]) == {"trained"}
    assert set(second["metrics"]) == {"trained", "baseline"}
    before = Path(second["baseline"]["uri"]) / "Format-Serving" / "saved_model.pb"
    blessed = Path(first["candidates"]["trained"]["uri"]) / "Format-Serving" / "saved_model.pb"
    assert before.read_bytes() == blessed.read_bytes()
    assert project.run("--set", "trainer.seed=2").json["counts"]["executed"] == 0


def test_anomalies_stop_the_run_before_the_costly_nodes(project: Project, tmp_path):
    [inferred] = project.root.glob("artifacts/SchemaGen/schema/*/schema.pbtxt")
    (tmp_path / "narrow.pbtxt").write_text(inferred.read_text().replace('"malignant"', '"x"', 1))
    narrow = ("--set", f"schema.path={tmp_path / 'narrow.pbtxt'}")
    refused = project.run(*narrow, expect=3)
    assert refused.json["state"] == "REFUSED"
    assert "malignant" in refused.json["refusals"][0]
    assert "Transform" not in project.executions()
    assert project.newest("ExampleValidator/anomalies", "anomalies.json")["train"]
    # The verdict holds when it comes from the cache.
    assert project.run(*narrow, expect=3).json["counts"]["executed"] == 0
    warned = project.run(*narrow, "--set", "validator.on_anomaly=warn")
    assert warned.json["state"] == "COMPLETE"


def test_both_engines_give_the_same_model(project: Project):
    in_memory = project.call("show", "--json").json["run"]["summary"]["metrics"]
    on_beam = project.run("--set", "beam.engine=beam").json
    assert on_beam["counts"]["executed"] == len(NODES)
    for name, value in in_memory.items():
        assert on_beam["metrics"][name] == pytest.approx(value, abs=5e-3), name
    # None of what stock TFX does for each Beam node: package itself, fetch a runner.
    logs = "".join(path.read_text() for path in Path(project.root, "logs").rglob("*.log"))
    assert "sdist" not in logs
    assert "prism" not in logs.lower()
