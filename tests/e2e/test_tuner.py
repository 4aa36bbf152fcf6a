"""A search inside the DAG: what a person types, and what is there afterwards."""

import json
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from tests.e2e.harness import Project, make_project

pytestmark = pytest.mark.e2e

SMALL = """
tuner:
  strategy: evolution
  budget: {trials: 5}
  space: {units: [4, 8, 16], layers: [1, 2], learning_rate: {min: 1e-3, max: 0.05, scale: log}}
trainer: {epochs: 6, model: {hidden_units: [2], learning_rate: 1.0e-5}}
"""


def trials_of(project: Project, run: str = "latest"):
    return project.call("trials", run, "--limit", "1000", "--json").json


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A project after one search."""
    project = make_project(tmp_path_factory.mktemp("searched") / "project", settings=SMALL)
    assert project.run().json["state"] == "COMPLETE"
    return project


@pytest.fixture
def project(searched, tmp_path):
    """The project after one search, as it was before other tests."""
    with searched.restored(tmp_path / "backup") as project:
        yield project


def test_best_of_the_search_is_what_the_trainer_trains(project):
    found = trials_of(project)
    ranked = found["trials"]
    assert len(ranked) == 6
    assert ranked[0]["id"] != "default"  # which is configured to be no match
    assert ranked[0]["id"] == found["search"]["best"]
    assert ranked[0]["score"] == max(trial["score"] for trial in ranked)
    assert {trial["id"] for trial in ranked} >= {"default", "0", "4"}

    # The Trainer repeats the best trial, to the last bit.
    history = project.newest("Trainer/model_run", "history.json")
    assert history["best_loss"] == ranked[0]["metrics"]["loss"]
    [specification] = project.root.glob("artifacts/Tuner/best_hyperparameters/*/model.json")
    [member] = json.loads(specification.read_text())["members"]
    assert member["model"].items() >= ranked[0]["model"].items()

    # Stock TFX and KerasTuner read what was found.
    written = json.loads((specification.parent / "best_hyperparameters.txt").read_text())
    values = keras_tuner.HyperParameters.from_config(written).values
    assert values == ranked[0]["values"]

    page = project.newest_text("Tuner/tuner_results", "search.html")
    assert "<svg" in page
    assert "Traceback" not in page

    # Nothing is searched twice, and what is searched is said.
    again = project.run().json
    assert again["counts"]["executed"] == 0
    assert "6 trials by evolution" in again["notes"][0]
    assert "Tuner" in project.call("dag").out
    assert not list((project.root / "checkpoints").rglob("trials"))


def test_search_killed_midway_resumes_to_the_same_trials(searched, tmp_path):
    cut = make_project(tmp_path / "cut", settings=SMALL)
    cut.run(fault="kill-midway:Tuner", expect=1)
    assert cut.states()["Tuner"] == "FAILED"
    cut.run(verb="resume")
    names = ("id", "state", "values", "score", "curve", "epochs")
    undisturbed, resumed = (
        [{name: trial[name] for name in names} for trial in trials_of(project)["trials"]]
        for project in (searched, cut)
    )
    assert resumed == undisturbed
    log = cut.call("logs", "latest", "Tuner").out
    assert "Traceback" not in log


def test_automl_needs_a_path_and_a_label(tmp_path):
    project = make_project(tmp_path)
    project.config.write_text(
        "extends: automl\ndata: {path: breast_cancer.csv, label: target}\n"
        "tuner: {budget: {trials: 14, seconds: 150}}\n"
    )
    done = project.run().json
    assert done["state"] == "COMPLETE"
    assert done["metrics"]["AUC"] > 0.97
    found = trials_of(project)
    families = {trial["model"].get("architecture") for trial in found["trials"]}
    assert "boosted_trees" in families
    assert len(families) >= 3
    assert found["search"]["seconds"] < 160
    assert sum(member["weight"] for member in found["search"]["ensemble"]) == pytest.approx(1)
    table = project.call("trials").out
    assert found["trials"][0]["id"] in table

    # Whatever the families, it is a SavedModel whose signatures agree.
    model = tf.saved_model.load(done["pushed"])
    arguments = json.loads(
        Path(done["pushed"], "assets.extra", "predict_arguments.json").read_text()
    )
    rows = np.random.default_rng(0).uniform(0.1, 20, (30, len(arguments)))
    columns = dict(zip(arguments.values(), rows.T, strict=True))
    by_column = model.signatures["predict"](**{n: tf.constant(v) for n, v in columns.items()})
    scores = by_column["scores"].numpy()
    assert scores.shape == (30, 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


OWN = """
import tf_keras


def build_model(hp, features):
    inputs = tf_keras.Input((len(features.numeric),), name="numeric")
    hidden = tf_keras.layers.Dense(hp.Int("width", 2, 16), activation="relu")(inputs)
    hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    return tf_keras.Model({"numeric": inputs}, tf_keras.layers.Dense(1)(hidden))
"""


def test_own_function_is_its_own_space(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    project = make_project(
        tmp_path,
        settings=(
            "tuner: {build_model: mine.build_model, strategy: random, budget: {trials: 3}}\n"
            "trainer: {epochs: 5}\n"
        ),
    )
    project.run()
    found = trials_of(project)
    assert set(found["search"]["space"]) == {"width", "learning_rate"}
    assert len({trial["values"]["width"] for trial in found["trials"]}) > 1
    best = found["trials"][0]
    history = project.newest("Trainer/model_run", "history.json")
    assert history["best_loss"] == best["metrics"]["loss"]
    width = best["values"]["width"]
    inputs = len(project.newest("Transform/transform_graph", "features.json")["numeric"])
    assert history["parameters"] == (inputs + 1) * width + width + 1

    (tmp_path / "mine.py").write_text("def build_model(hp):\n    hp.Int('n', 1, 3)\n    return 3\n")
    refused = project.call("run", expect=2)
    assert "tuner.build_model" in refused.err
    assert "tf_keras.Model" in refused.err


def test_search_begins_from_an_earlier_one(project):
    first = {json.dumps(trial["values"]) for trial in trials_of(project)["trials"]}
    warm = ("--set", "tuner.warm_start=true", "--set", "tuner.budget.trials=4")
    project.run(*warm)
    second = trials_of(project)["trials"]
    points = {json.dumps(trial["values"]) for trial in second if trial["id"] != "default"}
    assert len(points) == 4
    assert not points & first
    assert project.run(*warm).json["counts"]["executed"] == 0  # not even for its own results
    lineage = project.executions()["Tuner"]["inputs"]
    assert "earlier" in {item["key"] for item in lineage}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("strategy: grid, budget: {trials: 3}, space: {units: [4, 8], layers: [1, 2]}", "4 points"),
        ("space: {dropout: 0.2}", "search space is empty"),
        ("objective: RootMeanSquaredError", "its task is binary"),
        ("strategy: random, options: {population: 3}", "no option 'population'"),
    ],
)
def test_bad_searches_end_before_a_trial(tmp_path, settings, said):
    project = make_project(tmp_path, settings=f"tuner: {{{settings}}}\n")
    refused = project.call("run", expect=2)
    assert said in refused.err.replace("\n", " ")
    assert not list(project.root.glob("checkpoints/Tuner/*/trials/*"))
