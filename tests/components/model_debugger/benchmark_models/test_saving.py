"""What is saved of each benchmark model says the same, also where no library of ours is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.model_debugger.benchmark_models import fitting
from components.model_debugger.benchmark_models.config import NAMES, BenchmarkModelsConfig
from components.models import export, measuring, predict
from components.models.served import SERVING_DIRECTORY
from components.models.transformed import load_arrays
from components.transform import local_analysis, materialization, preprocessing
from components.transform.config import TransformConfig
from tests.components.model_debugger.benchmark_models.problems import QUICK, fit
from tests.components.transform.tables import make_schema, make_shards

ROWS = 240
#: Loads models with nothing but TensorFlow, and prints the scores of the examples.
ALONE = """
import json, sys
from pathlib import Path
import tensorflow as tf
root = Path(sys.argv[1])
records = [bytes.fromhex(each) for each in (root / "records").read_text().split(",")]
found = {}
for name in sys.argv[2:]:
    model = tf.saved_model.load(str(root / name / "Format-Serving"))
    scores = model.signatures["serving_default"](tf.constant(records))["scores"]
    found[name] = scores.numpy().tolist()
strangers = {"tensorflow_lattice", "imodels", "sklearn", "components"} & set(sys.modules)
print(json.dumps({"found": found, "strangers": sorted(strangers)}))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a directory of saved models, and the scores of each before, by name."""
    directory = tmp_path_factory.mktemp("saved")
    random = np.random.default_rng(3)
    rows = []
    for _ in range(ROWS):
        price, color = float(random.normal()), str(random.choice(["red", "blue", "dark green"]))
        label = int(price + (color == "red") + random.normal(0, 0.3) > 0.3)
        rows.append({"price": price, "color": color, "label": label})
    for row in rows[::7]:
        row["price"] = None
    for row in rows[::5]:
        row["color"] = None
    schema = make_schema({"price": float, "color": str, "label": int}, required=("label",))
    kinds = {"price": "numeric", "color": "categorical", "label": "integer"}
    dataset = {
        "label": "label",
        "task": "binary",
        "classes": ["0", "1"],
        "columns": [{"name": name, "kind": kind} for name, kind in kinds.items()],
    }
    plan = preprocessing.make_plan(schema, dataset, own=False)
    function = preprocessing.make_preprocessing(plan, TransformConfig())
    shards, graph = make_shards(rows, schema), directory / "graph"
    local_analysis.analyze(function, schema, shards, str(graph), str(directory / "tmp"))
    split = directory / "split"
    transformation = materialization.Transformation(graph, schema, plan)
    materialization.materialize(transformation, shards, str(split))
    features = function.features(tft.TFTransformOutput(str(graph)), str(split))
    features.write(graph)
    arrays = load_arrays(split, features)
    settings = QUICK | {"monotonic": {"price": "increasing"}}
    problem = fitting.problem_of(arrays, arrays, features, BenchmarkModelsConfig(**settings), 1)
    scores = {}
    for name in NAMES:
        model = fit(name, problem).model
        scores[name] = measuring.scores(measuring.outputs(model, arrays), "binary")
        export.save_served(model, features, graph, directory / name)
    records = [_example(row) for row in rows]
    (directory / "records").write_text(",".join(record.hex() for record in records))
    return directory, records, scores


def _example(row):
    """Return a row without its label as a serialized tf.Example."""
    example = tf.train.Example()
    if row["price"] is not None:
        example.features.feature["price"].float_list.value.append(row["price"])
    if row["color"] is not None:
        example.features.feature["color"].bytes_list.value.append(row["color"].encode())
    return example.SerializeToString()


@pytest.mark.parametrize("name", NAMES)
def test_served_scores_are_the_models_own(name, saved):
    directory, records, scores = saved
    found = predict.load(directory / name).predict_examples(records)
    np.testing.assert_allclose(found, scores[name], atol=1e-5)


def test_a_process_with_tensorflow_alone_says_the_same(saved):
    directory, _, scores = saved
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(directory), *NAMES],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(directory),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["strangers"] == []
    assert set(told["found"]) == set(NAMES)
    for name, found in told["found"].items():
        np.testing.assert_allclose(found, scores[name], atol=1e-5, err_msg=name)
        assert (directory / name / SERVING_DIRECTORY / "saved_model.pb").is_file()
