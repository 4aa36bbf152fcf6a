"""A student beside the Trainer's model: what a person types, and what is there afterwards."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.models import loading
from tests.e2e.harness import make_project

pytestmark = pytest.mark.e2e

SETTINGS = """
trainer: {epochs: 12, model: {architecture: mlp, hidden_units: [64, 32], learning_rate: 0.005}}
distiller: {}
"""


def test_a_student_is_taught_and_saved_as_a_model(tmp_path):
    project = make_project(tmp_path, settings=SETTINGS)
    project.run(fault="kill-midway:Distiller", expect=1)
    assert project.states()["Distiller"] == "FAILED"
    kept = list(project.root.glob("checkpoints/Distiller/*/answers/teacher-0-*.npz"))
    assert len(kept) == 2  # train and eval: the teacher need not be asked again
    done = project.run(verb="resume").json
    assert done["state"] == "COMPLETE"
    assert not list(project.root.glob("checkpoints/Distiller/*"))

    found = project.newest("Distiller/model_run", "report.json")
    models = found["models"]
    assert models["distilled"]["parameters"] <= 0.1 * models["teacher"]["parameters"]
    assert models["alone"]["parameters"] == models["distilled"]["parameters"]
    assert models["distilled"]["agreement"] > 0.9
    [note] = [note for note in done["notes"] if "of the gap" in note]
    assert f"{models['distilled']['metrics']['AUC']:.5g}" in note
    page = project.newest_text("Distiller/model_run", "distillation.html")
    assert "<svg" in page
    assert "Traceback" not in page

    # It is a Model artifact like any other, with the same signatures as its teacher.
    student, teacher = (
        max(project.root.glob(f"artifacts/{name}/model/[0-9]*"), key=lambda path: int(path.name))
        for name in ("Distiller", "Trainer")
    )
    served = [tf.saved_model.load(str(each / "Format-Serving")) for each in (student, teacher)]
    signatures = [set(model.signatures) for model in served]
    assert signatures[0] == signatures[1] >= {"serving_default", "predict", "transformed_features"}
    loaded = loading.load(student)
    assert loaded.model.count_params() == models["distilled"]["parameters"]
    arguments = json.loads(
        Path(student, "Format-Serving", "assets.extra", "predict_arguments.json").read_text()
    )
    rows = np.random.default_rng(0).uniform(0.1, 20, (30, len(arguments)))
    columns = {
        name: tf.constant(values) for name, values in zip(arguments.values(), rows.T, strict=True)
    }
    said = [model.signatures["predict"](**columns)["scores"].numpy() for model in served]
    assert said[0].shape == said[1].shape == (30, 2)
    assert not np.array_equal(*said)

    # What is evaluated and pushed stays the Trainer's; nothing is taught twice.
    inputs = project.executions()["Evaluator"]["inputs"]
    assert [item["uri"] for item in inputs if item["key"] == "model"] == [str(teacher)]
    assert project.run().json["counts"]["executed"] == 0

    refused = project.call(
        "run",
        "--set",
        "distiller.hints={teacher: hiden_1, student: hidden_0}",
        expect=2,
    )
    assert "nearest: hidden_1" in refused.err.replace("\n", " ")
    assert "distiller.hints.teacher" in refused.err
