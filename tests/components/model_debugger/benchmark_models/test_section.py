"""What the section says: figures, verdict, notes, page and lines."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tf_keras
from sklearn.metrics import roc_auc_score

from components.deadline import Deadline
from components.model_debugger.benchmark_models import card, section
from components.model_debugger.benchmark_models.config import NAMES, BenchmarkModelsConfig
from components.models import measuring
from components.page import document
from tests.components.distiller import data
from tests.components.model_debugger.benchmark_models.problems import QUICK, ROWS, fitted
from tests.components.pages import EVIL, check_alone, check_tables

CHEAP = ("majority", "linear", "decision_tree")


def describe(model=None, *, models=CHEAP, seconds=600.0, task="binary", **given):
    """Return what is described, after a trip through JSON, and the names that were saved."""
    saved = {}
    config = BenchmarkModelsConfig(**(QUICK | {"models": models} | given.pop("settings", {})))
    found = section.describe(
        given.get("train", data.table(ROWS, task)),
        given.get("validation", data.table(300, task, seed=1)),
        given.get("features", data.features_of(task)),
        config,
        1,
        Deadline(seconds),
        saved.__setitem__,
        model,
    )
    return json.loads(json.dumps(found, allow_nan=False)), saved


def oracle(task="binary"):
    """Return a model that knows by which rule `data.table` makes labels."""
    numeric = tf_keras.Input(3, name="numeric")
    categorical = tf_keras.Input(2, dtype="int64", name="categorical")
    value = tf_keras.layers.Lambda(
        lambda parts: (
            parts[0][:, :1] * parts[0][:, 1:2]
            + tf_keras.backend.cast(parts[1][:, :1] > 4, "float32")
        )
    )([numeric, categorical])
    if task == "binary":
        value = tf_keras.layers.Rescaling(5.0, -2.5)(value)
    return tf_keras.Model({"numeric": numeric, "categorical": categorical}, value)


@pytest.fixture(scope="module")
def earned():
    return describe(oracle())


def test_figures_are_those_of_the_models(earned):
    found, saved = earned
    assert [model["name"] for model in found["models"]] == list(CHEAP) == list(saved)
    validation = data.table(300, seed=1)
    for model in found["models"]:
        outputs = measuring.outputs(saved[model["name"]], validation)[:, 0]
        auc = roc_auc_score(validation["label"], outputs)
        assert model["metrics"]["AUC"] == pytest.approx(auc)
        assert model["lead"]["value"] == pytest.approx(found["model"]["metrics"]["AUC"] - auc)
        assert model["bytes"] == sum(w.numpy().nbytes for w in saved[model["name"]].weights)
        assert model["seconds"] > 0
        assert model["row_us"] > 0
    assert found["rows"] == ROWS
    assert found["validation_rows"] == 300
    assert found["notes"] == []


def test_a_model_that_knows_the_rule_earns_its_cost(earned):
    found, _ = earned
    assert found["verdict"] == {"outcome": "better", "best": "decision_tree", "enough": None}
    [line] = card.lines(found)
    assert line.startswith("The model earns its cost: AUC 0.9")
    assert "decision tree" in line


def test_lower_can_be_better():
    found, _ = describe(oracle("regression"), task="regression")
    assert found["better"] == "lower"
    assert found["verdict"]["outcome"] == "better"
    assert all(model["lead"]["interval"][1] < 0 for model in found["models"])


def test_a_model_that_a_simple_one_beats():
    found, _ = describe(fitted("linear").model)
    verdict = found["verdict"]
    assert verdict["outcome"] == "worse"
    assert verdict["best"] == "decision_tree"
    first, second = card.lines(found)
    assert first.startswith("The model does not earn its cost")
    size = found["model"]["bytes"]
    assert second.endswith(f"linear, {size} bytes against {size}.")


def test_equal_models_are_equal():
    found, _ = describe(fitted("linear").model, models=("linear",))
    assert found["verdict"] == {"outcome": "equal", "best": "linear", "enough": "linear"}
    assert found["models"][0]["lead"] == {"value": 0.0, "interval": [0.0, 0.0]}
    assert card.lines(found)[0].startswith("It is not certain")


def test_without_the_model_and_with_fewer_rows():
    found, _ = describe(settings={"max_rows": 200})
    assert found["model"] is found["verdict"] is None
    assert any("decision tree 200" in note for note in found["notes"])
    assert any("not measured" in note for note in found["notes"])
    assert card.lines(found)[0].startswith("The best of 3 benchmark models in AUC: decision tree")


def test_no_time():
    found, saved = describe(oracle(), models=NAMES, seconds=1e-9)
    assert not saved
    assert found["skipped"] == dict.fromkeys(NAMES, section.NO_TIME)
    assert len(found["notes"]) == len(NAMES)
    assert card.lines(found) == ["None of the benchmark models has a metric."]


def test_one_class_in_the_validation_rows():
    validation = data.table(300, seed=1)
    validation["label"][:] = 1
    found, saved = describe(oracle(), validation=validation)
    assert set(saved) == set(CHEAP)
    assert all(model["metrics"]["AUC"] is None for model in found["models"])
    assert found["verdict"] is None
    assert any("one class only" in note for note in found["notes"])
    assert "not a number" in card.section(found)


@pytest.mark.parametrize("with_model", [True, False])
def test_page(earned, with_model):
    found = json.loads(json.dumps(earned[0]))
    found["models"][1]["learned"] = [EVIL]
    found["notes"] = [EVIL]
    if not with_model:
        found["model"] = found["verdict"] = None
        for model in found["models"]:
            model["lead"] = None
    page = check_alone(document("x", "x", card.section(found)))
    check_tables(page)
    assert len(page.named("svg")) == 1
    assert "<script>alert('1')</script>" in page.text
    assert ("the model" in page.named("svg")[0]["aria-label"]) == with_model
    for model in found["models"]:
        assert model["name"].replace("_", " ") in page.text


def test_page_of_nothing():
    found, _ = describe(seconds=1e-9)
    page = check_alone(document("x", "x", card.section(found)))
    assert section.NO_TIME in page.text
    assert np.all([tag != "svg" for tag, _ in page.tags])
