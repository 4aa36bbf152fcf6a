"""The component as the DAG runs it: artifacts in, files and blessing out."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components import base, examples
from components.errors import InputError
from components.evaluator.component import Evaluator
from components.evaluator.config import EvaluatorConfig
from components.evaluator.executor import Executor

ROWS = 300
SCHEMA = schema_pb2.Schema(
    feature=[
        schema_pb2.Feature(name="y", type=schema_pb2.BYTES),
        schema_pb2.Feature(name="x", type=schema_pb2.FLOAT),
        schema_pb2.Feature(name="hour", type=schema_pb2.INT),
    ]
)
DATASET = {"label": "y", "task": "binary", "classes": ["no", "yes"], "columns": []}


class Sigmoid(tf.Module):
    """Serves the probability that x times a weight gives; above a limit, not a number."""

    def __init__(self, weight: float, limit: float) -> None:
        super().__init__()
        self._weight, self._limit = weight, limit

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, records):
        x = tf.io.parse_example(records, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        positive = tf.where(x > self._limit, float("nan"), tf.sigmoid(x * self._weight))
        return {"scores": tf.concat([1 - positive, positive], axis=1)}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Examples, a schema and four models: weak, strong, reversed and broken."""
    root = tmp_path_factory.mktemp("inputs")
    random = np.random.default_rng(0)
    y = random.integers(0, 2, ROWS)
    x = random.normal(2 * y - 1, 1).astype(np.float32)
    batch = pa.RecordBatch.from_pydict(
        {
            "y": pa.array(np.where(y == 1, "yes", "no").tolist()),
            "x": pa.array(x),
            "hour": pa.array(random.integers(0, 3, ROWS), mask=random.random(ROWS) < 0.1),
        }
    )
    data = standard_artifacts.Examples()
    data.uri = str(root / "examples")
    data.split_names = artifact_utils.encode_split_names(["train", "test"])
    examples.write_split([batch], base.split_uri(data, "test"))
    schema = standard_artifacts.Schema()
    schema.uri = str(root / "schema")
    Path(schema.uri).mkdir()
    (root / "schema" / "schema.pbtxt").write_text(text_format.MessageToString(SCHEMA))
    models = {}
    kinds = {"weak": (0.5, 99), "strong": (2, 99), "reversed": (-2, 99), "broken": (2, 2.5)}
    for number, (name, (weight, limit)) in enumerate(kinds.items(), start=1):
        model = standard_artifacts.Model()
        model.id, model.uri = number, str(root / name)
        module = Sigmoid(weight, limit)
        tf.saved_model.save(
            module, str(root / name / "Format-Serving"), {"serving_default": module.serve}
        )
        models[name] = model
    return {"examples": [data], "schema": [schema]}, models


@pytest.fixture
def run(inputs, tmp_path):
    """Return a function that evaluates a model and returns the result and the artifacts."""

    def execute(model, baseline=None, engine="memory", others=None, **settings):
        channels, models = inputs
        channels = channels | {"model": [models[model]]}
        if baseline:
            channels["baseline_model"] = [models[baseline]]
        for name, other in (others or {}).items():
            channels[f"{name}_model"] = [models[other]]
        evaluation, blessing, blessed = (
            standard_artifacts.ModelEvaluation(),
            standard_artifacts.ModelBlessing(),
            standard_artifacts.Model(),
        )
        written = {"evaluation": evaluation, "blessing": blessing, "blessed_model": blessed}
        for name, artifact in written.items():
            artifact.uri = str(tmp_path / f"{name}-{model}-{engine}")
            Path(artifact.uri).mkdir()
        config = EvaluatorConfig.model_validate(settings)
        Executor(BaseBeamExecutor.Context([], str(tmp_path), "1")).Do(
            channels,
            {name: [artifact] for name, artifact in written.items()},
            {
                "config": config.model_dump_json(),
                "engine": engine,
                "dataset": json.dumps(DATASET),
                "code_fingerprint": "",
            },
        )
        result = json.loads((Path(evaluation.uri) / "evaluation.json").read_text())
        execute.blessed_model = blessed
        return result, evaluation, blessing

    return execute


def test_a_better_model_is_blessed(run, inputs):
    result, evaluation, blessing = run(
        "strong", "weak", slices=["hour"], thresholds={"AUC": {"min": 0.8, "max_drop": 0.01}}
    )
    assert result["blessed"]
    assert result["rows"] == ROWS
    assert result["baseline"]["id"] == 1
    assert set(result["metrics"]) == {"trained", "baseline"}
    assert set(result["metrics"]["trained"]) == {"Overall", "hour=0", "hour=1", "hour=2"}
    auc = result["metrics"]["trained"]["Overall"]["AUC"]
    assert auc["interval"][0] < auc["value"] < auc["interval"][1]
    assert (
        result["metrics"]["trained"]["Overall"]["BinaryCrossentropy"]["value"]
        < (result["metrics"]["baseline"]["Overall"]["BinaryCrossentropy"]["value"])
    )
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_int_custom_property("current_model_id") == 2
    assert blessing.get_int_custom_property("baseline_model_id") == 1
    assert blessing.get_string_custom_property("current_model").endswith("strong")
    assert not blessing.get_string_custom_property(base.REFUSED)
    assert tfma.load_validation_result(evaluation.uri).validation_ok
    resolved = LatestBlessedModelStrategy().resolve_artifacts(
        None, {"model": list(inputs[1].values()), "model_blessing": [blessing]}
    )
    assert [model.id for model in resolved["model"]] == [2]


def test_a_worse_model_is_refused(run, inputs):
    result, evaluation, blessing = run(
        "reversed", "strong", thresholds={"AUC": {"min": 0.8, "max_drop": 0.01}}
    )
    assert not result["blessed"]
    assert len(result["reasons"]) == 2
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 0
    assert blessing.get_string_custom_property(base.REFUSED) == (
        f"{result['reasons'][0]} 1 more in evaluation.json."
    )
    assert not tfma.load_validation_result(evaluation.uri).validation_ok
    resolved = LatestBlessedModelStrategy().resolve_artifacts(
        None, {"model": list(inputs[1].values()), "model_blessing": [blessing]}
    )
    assert resolved["model"] == []


def test_scores_that_are_not_numbers_are_refused(run):
    result, evaluation, _ = run("broken")
    assert not result["blessed"]
    [reason] = result["reasons"]
    assert "of 300 scores of the trained model are not finite" in reason
    assert not tfma.load_validation_result(evaluation.uri).validation_ok
    count = result["metrics"]["trained"]["Overall"]["ExampleCount"]["value"]
    assert 0 < count < ROWS


def test_engines_write_the_same(run):
    settings = {
        "metrics": ["ExampleCount", "AUC", "BinaryAccuracy"],
        "slices": ["hour"],
        "thresholds": {"AUC": {"min": 0.99, "max_drop": 0.01, "slices": [[], "hour"]}},
        "confidence_intervals": False,
    }
    memory, memory_files, _ = run("strong", "weak", **settings)
    beam, beam_files, _ = run("strong", "weak", engine="beam", **settings)
    assert round_numbers(memory) == round_numbers(beam)
    names = [{p.name for p in Path(a.uri).iterdir()} for a in (memory_files, beam_files)]
    assert names[0] == names[1]
    both = [tfma.load_validation_result(a.uri) for a in (memory_files, beam_files)]
    assert both[0].validation_ok == both[1].validation_ok
    assert len(both[0].metric_validations_per_slice) == len(both[1].metric_validations_per_slice)


def round_numbers(value):
    """Return JSON with numbers to six places, below which the order of a sum decides."""
    if isinstance(value, dict):
        return {key: round_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [round_numbers(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


def test_a_metric_that_only_tfma_has_goes_to_beam(run, caplog):
    with caplog.at_level(logging.WARNING):
        result, _, _ = run(
            "strong",
            metrics=["CoefficientOfDiscrimination", "AUC"],
            confidence_intervals=False,
        )
    assert "only TFMA itself has CoefficientOfDiscrimination" in caplog.text
    found = result["metrics"]["trained"]["Overall"]
    assert 0.3 < found["CoefficientOfDiscrimination"]["value"] < 0.9
    assert 0.8 < found["AUC"]["value"] < 1


def test_the_best_of_all_candidates_is_blessed(run, inputs):
    result, evaluation, blessing = run(
        "weak",
        "weak",
        others={"distilled": "strong", "compressed": "broken"},
        blessing={"rule": "best", "metric": "BinaryCrossentropy"},
        slices=["hour"],
    )
    assert result["chosen"] == "distilled"
    assert set(result["metrics"]) == {"trained", "distilled", "baseline"}
    assert set(result["differences"]) == {"trained", "distilled"}
    assert result["differences"]["trained"]["Overall"]["AUC"]["value"] == 0
    # It has scores that are not finite, and the others are measured on all rows all the same.
    [reason] = result["candidates"]["compressed"]["reasons"]
    assert "not finite" in reason
    assert result["metrics"]["trained"]["Overall"]["ExampleCount"]["value"] == ROWS
    assert blessing.get_int_custom_property("current_model_id") == 2
    assert blessing.get_int_custom_property("newest_candidate_id") == 4
    model = run.blessed_model
    assert blessing.get_string_custom_property("blessed_model") == model.uri
    assert model.get_string_custom_property("candidate") == "distilled"
    strong = Path(inputs[1]["strong"].uri) / "Format-Serving" / "saved_model.pb"
    copied = Path(model.uri) / "Format-Serving" / "saved_model.pb"
    assert copied.read_bytes() == strong.read_bytes()
    page = (Path(evaluation.uri) / "evaluation.html").read_text()
    assert "The distilled model is blessed." in page
    assert "not finite" in page


def test_a_refusal_leaves_no_blessed_model(run):
    result, _, _ = run(
        "reversed",
        others={"distilled": "reversed"},
        blessing={"rule": "best"},
        thresholds={"AUC": {"min": 0.8}},
    )
    assert result["chosen"] is None
    assert [reason.split(":")[0] for reason in result["reasons"]] == ["trained", "distilled"]
    assert list(Path(run.blessed_model.uri).iterdir()) == []


def test_calibration_worst_slices_and_fairness(run):
    result, evaluation, _ = run("strong", fairness={"columns": ["hour"]})
    assert 0 < result["calibration"]["trained"]["error"] < 0.2
    assert sum(each["rows"] for each in result["calibration"]["trained"]["bins"]) == ROWS
    searched = result["worst_slices"]
    assert searched["rows"] == ROWS
    assert searched["tried"] > 10
    # Who is nearest to the border is told apart worst, and only of x the model knows.
    assert all("x" in each["name"] for each in searched["models"]["trained"])
    by_hour = result["fairness"]["hour"]["trained"]
    assert set(by_hour["groups"]) == {"0", "1", "2"}
    assert 0 <= by_hour["gaps"]["equal_opportunity_difference"] < 0.3
    assert "Fairness" in (Path(evaluation.uri) / "evaluation.html").read_text()


def test_a_gap_above_its_limit_is_refused(run):
    limits = {"demographic_parity_difference": 0.0001}
    result, _, _ = run("strong", fairness={"columns": ["hour"], "limits": limits})
    [reason] = result["reasons"]
    assert reason.startswith("demographic_parity_difference between the groups of hour is 0.")
    assert "above the greatest of 0.0001" in reason


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fairness": {"columns": ["sex"]}}, "no column 'sex'"),
        ({"fairness": {"columns": ["hour"], "min_group_size": 290}}, "no two groups"),
        ({"worst_slices": {"columns": ["hours"]}}, "nearest: hour"),
        ({"blessing": {"rule": "best", "metric": "Recall"}, "metrics": ["AUC"]}, "not computed"),
    ],
)
def test_settings_that_do_not_fit_the_data(settings, message, run):
    with pytest.raises(InputError, match=message):
        run("strong", **settings)


def test_slices_without_rows_and_of_one_class_are_told(run):
    result, _, _ = run("strong", slices=[{"hour": 7}])
    assert "No row is in the slice hour=7." in result["notes"]


def test_unknown_split_and_column_are_named(run):
    with pytest.raises(InputError, match="no split 'eval'") as error:
        run("strong", split="eval")
    assert error.value.details["expected"] == "train, test"
    with pytest.raises(InputError, match="nearest: hour"):
        run("weak", slices=["hours"])


def test_the_component_carries_its_settings():
    def channel(kind):
        return channel_utils.as_channel([kind()])

    node = Evaluator(
        EvaluatorConfig(metrics=("AUC",)),
        examples=channel(standard_artifacts.Examples),
        model=channel(standard_artifacts.Model),
        baseline_model=None,
        schema=channel(standard_artifacts.Schema),
        dataset=json.dumps(DATASET),
    )
    assert set(node.outputs) == {"evaluation", "blessing", "blessed_model"}
    assert "baseline_model" not in node.inputs
    assert EvaluatorConfig.model_validate_json(node.exec_properties["config"]).metrics == ("AUC",)
