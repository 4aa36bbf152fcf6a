"""From a model to a small TF Lite file: what a person types, and what is there afterwards."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks import data
from components import examples
from components.models import edge, predict
from components.models.lite_model import LiteModel
from tests.components.pages import check_alone
from tests.e2e.harness import Project

pytestmark = pytest.mark.e2e

MODEL = "{architecture: wide_and_deep, hidden_units: [32, 16], learning_rate: 0.005}"
SETTINGS = f"""
trainer: {{epochs: 12, model: {MODEL}}}
compressor:
  slices: [area]
  min_slice_size: 5
  constraint: {{max_metric_drop: 0.02}}
  chains: [int8, structured_pruning+int8, pruning+float16]
  space: {{structured_pruning.share: [0.25, 0.5]}}
  exports: [core_ml, ml_kit, onnx, container]
  recipes: {{fine_tuning: {{epochs: 2}}}}
explainer:
  candidate: compressed
  rows: 60
  background: 60
  shapley: {{rows: 10}}
  partial_dependence: null
  ale: null
  lime: null
  anchors: null
  counterfactuals: null
  surrogates: null
  quality: null
evaluator: {{split: eval}}
"""


def write_table(path: Path) -> None:
    """Write a table with a category and a number that decide, and a place to slice by."""
    random = np.random.default_rng(0)
    rows = 900
    size, area = random.normal(size=rows), random.choice(["north", "south", "east"], rows)
    colour = random.choice(["red", "green", "blue", "grey"], rows)
    noise = random.normal(0, 0.4, rows)
    label = size + (colour == "red") - (colour == "grey") + (area == "east") * 0.5 + noise > 0
    lines = [
        f"{a:.4f},{b},{c},{d:.3f},{'yes' if y else 'no'}"
        for a, b, c, d, y in zip(size, area, colour, noise**2, label, strict=True)
    ]
    path.write_text("\n".join(["size,area,colour,other,bought", *lines]) + "\n")


@pytest.fixture
def project(tmp_path):
    write_table(tmp_path / "shop.csv")
    config = tmp_path / "shop.yaml"
    config.write_text(f"data: {{path: shop.csv, label: bought}}\n{SETTINGS}")
    return Project(tmp_path, config, tmp_path / "runs" / "shop")


def newest(project: Project, output: str) -> Path:
    found = project.root.glob(f"artifacts/{output}/[0-9]*")
    return max(found, key=lambda path: int(path.name))


def test_a_model_is_compressed_scored_and_found_again(project):
    project.run(fault="kill-midway:Compressor", expect=1)
    assert project.states()["Compressor"] == "FAILED"
    kept = list(project.root.glob("checkpoints/Compressor/*/*/candidate.json"))
    assert kept  # what is made need not be made again
    done = project.run(verb="resume").json
    assert done["state"] == "COMPLETE"
    assert not list(project.root.glob("checkpoints/Compressor/*"))

    found = project.newest("Compressor/candidates", "report.json")
    titles = [each["title"] for each in found["candidates"]]
    assert titles == [
        "float32",
        "int8",
        "structured_pruning + int8 (structured_pruning.share 0.25)",
        "structured_pruning + int8 (structured_pruning.share 0.5)",
        "pruning + float16",
    ]
    assert found["failures"] == {}
    chosen = found["candidates"][found["chosen"]]
    plain = found["candidates"][0]
    assert found["met"]
    assert chosen["bytes"] < 0.6 * plain["bytes"]
    assert chosen["drop"] <= 0.02
    fit = [each for each in found["candidates"] if not each["violations"]]
    assert chosen["bytes"] == min(each["bytes"] for each in fit)
    assert set(plain["slices"]) == {"area=east", "area=north", "area=south"}
    assert found["candidates"][4]["container_bytes"] < found["candidates"][4]["bytes"]
    table = pq.read_table(newest(project, "Compressor/candidates") / "candidates.parquet")
    assert table.column("title").to_pylist() == titles
    for row in table.select(["file", "bytes"]).to_pylist():
        kept = newest(project, "Compressor/candidates") / row["file"]
        assert kept.stat().st_size == row["bytes"]
    [note] = [note for note in done["notes"] if "compressed by" in note]
    assert chosen["title"] in note
    page = check_alone(project.newest_text("Compressor/candidates", "compression.html"))
    assert all(title in page.text for title in titles)

    # The artifact answers to raw examples as its file does to features, and TFMA scores it.
    artifact = newest(project, "Compressor/compressed_model")
    model = predict.load(artifact)
    assert isinstance(model, edge.EdgePredictor)
    split = newest(project, "ExampleGen/examples") / "Split-eval"
    records = [
        record for batch in examples.read_records(examples.split_files(split)) for record in batch
    ]
    scores = model.predict_examples(records)
    content = (artifact / "Format-TFLite" / "model.tflite").read_bytes()
    assert len(content) == chosen["bytes"]
    np.testing.assert_array_equal(scores, LiteModel(content).scores(model.features(records)))
    labels = [b"yes" in record for record in records]
    assert roc_auc_score(labels, scores[:, 1]) == pytest.approx(chosen["metrics"]["AUC"], abs=1e-3)
    evaluation = project.newest("Evaluator/evaluation", "evaluation.json")
    assert evaluation["candidates"]["compressed"]["uri"] == str(artifact)
    trained, overall = (
        evaluation["metrics"][name]["Overall"]["AUC"] for name in ("trained", "compressed")
    )
    assert overall["value"] == pytest.approx(chosen["metrics"]["AUC"], abs=1e-4)
    assert overall["interval"][0] < overall["value"] < overall["interval"][1]
    assert overall["value"] >= trained["value"] - 0.02

    # The file is explained by raw columns, as any model; it has no gradients.
    explained = project.newest("Explainer/explanations", "explanations.json")
    assert set(explained["methods"]) == {"permutation_importance", "shapley"}
    assert "integrated_gradients" in explained["refused"]
    for each in explained["methods"].values():
        importance = each["found"]["importance"]
        assert max(importance, key=importance.__getitem__) in ("size", "colour")

    exports = {each["format"]: each for each in found["exports"]}
    assert "image" in exports["ml_kit"]["skipped"]
    for name in ("core_ml", "onnx", "container"):
        assert (artifact / "exports" / exports[name]["file"]).exists()
        assert "differ by" in exports[name]["verified"]

    assert project.run().json["counts"]["executed"] == 0


def test_what_cannot_be_met_is_a_gate_and_names_the_nearest(project):
    settings = (
        "compressor={constraint: {max_bytes: 100}, chains: [float16, int8]}",
        "evaluator={split: eval, confidence_intervals: false}",
    )
    refused = project.run(*(part for each in settings for part in ("--set", each)), expect=3)
    told = " ".join([*refused.json["notes"], json.dumps(refused.json)])
    assert "No candidate meets compressor.constraint. The nearest is int8" in told
    assert "more than 100" in told
    found = project.newest("Compressor/candidates", "report.json")
    assert not found["met"]
    assert len(found["candidates"]) == 3  # nothing is lost


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("compressor={chains: [int8+pruning]}", "pruning cannot come after int8"),
        ("compressor={slices: [aria]}", "nearest: area"),
        ("compressor={constraint: {max_byte: 3}}", "nearest: max_bytes"),
    ],
)
def test_settings_that_make_no_sense_end_before_anything_is_written(project, setting, said):
    refused = project.call("run", "--set", setting, expect=2)
    assert said in " ".join(refused.err.split())
    assert not project.root.exists()


def test_images_become_a_file_for_ml_kit(tmp_path):
    digits = data.digits(tmp_path / "digits")
    config = tmp_path / "numbers.yaml"
    config.write_text(
        "extends: digits\n"
        "trainer: {epochs: 4}\n"
        "compressor: {chains: [int8], constraint: {max_metric_drop: 0.1}, exports: [ml_kit]}\n"
        "evaluator: {confidence_intervals: false}\n"
    )
    project = Project(tmp_path, config, tmp_path / "runs" / "numbers")
    done = project.run("--set", f"data.path={digits}", expect=None)
    assert done.code in (0, 3)  # four epochs may not be enough for the thresholds
    found = project.newest("Compressor/candidates", "report.json")
    chosen = found["candidates"][found["chosen"]]
    assert chosen["title"] == "int8"
    assert chosen["bytes"] < 0.5 * found["candidates"][0]["bytes"]
    [kit] = found["exports"]
    written = newest(project, "Compressor/compressed_model") / "exports" / kit["file"]
    assert written.stat().st_size == kit["bytes"] > chosen["bytes"]
