"""The component as the DAG runs it: artifacts in, candidates and a report out."""

import json
from pathlib import Path

import numpy as np
import pytest
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import channel_utils

from components import artifacts, base
from components.errors import InputError
from components.models import candidates, predict, raw_columns
from components.remediator.component import Remediator
from components.remediator.config import RemediatorConfig
from components.remediator.executor import PAGE_FILE, Executor
from tests.components.pages import check_alone, check_tables, headings
from tests.components.remediator.data import DATASET

CHECKS = [
    {"check": "fairness_gap", "column": "group", "limit": 0.08},
    {"check": "calibration", "limit": 0.0001},
    {"check": "monotonic", "columns": {"age": "increasing"}},
]


def run(made, root, **settings):
    config = RemediatorConfig.model_validate({"checks": CHECKS, **settings})
    outputs = {
        "remediation": artifacts.ModelAnalysis(),
        "remediated_models": artifacts.ModelCollection(),
    }
    for name, artifact in outputs.items():
        artifact.uri = str(root / name)
        Path(artifact.uri).mkdir()
    Executor(BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(root), unique_id="1")).Do(
        made.inputs,
        {name: [artifact] for name, artifact in outputs.items()},
        {
            "config": config.model_dump_json(),
            "engine": "memory",
            "dataset": json.dumps(DATASET),
            "code_fingerprint": "",
        },
    )
    return outputs


@pytest.fixture(scope="module")
def outputs(made, tmp_path_factory):
    remedies = ["group_thresholds", {"remedy": "recalibration", "method": "temperature"}]
    return run(made, tmp_path_factory.mktemp("run"), remedies=remedies)


@pytest.fixture(scope="module")
def report(outputs):
    path = Path(outputs["remediation"].uri) / "remediation.json"
    return json.loads(path.read_text())


def test_each_remedy_is_a_candidate(outputs, report):
    members = candidates.members(outputs["remediated_models"].uri)
    assert list(members) == ["group_thresholds", "recalibration"]
    assert outputs["remediated_models"].count == 2
    assert [each["name"] for each in report["remedies"]] == list(members)
    assert report["rows"] + report["tuning_rows"] == 1600
    assert len(report["failed"]) == 3


def test_the_report_measures_the_saved_models(made, outputs, report):
    members = candidates.members(outputs["remediated_models"].uri)
    [thresholds, _] = report["remedies"]
    scores = predict.scores(members["group_thresholds"], made.judging.records)
    positive = made.judging.labels == 1
    group = made.judging.columns["group"]
    rates = [(scores[positive & (group == name), 1] >= 0.5).mean() for name in "ab"]
    gap = thresholds["checks"]["equal_opportunity_group"]
    assert gap["value"] == pytest.approx(abs(rates[0] - rates[1]))
    assert gap["value"] < report["checks"][thresholds["check"]]["value"] / 2


def test_shifted_logits_are_served_by_both_signatures(made, outputs):
    directory = candidates.members(outputs["remediated_models"].uri)["group_thresholds"]
    rows = made.reader.read("eval", frozenset(made.reader.served_columns), keep_records=True)
    served = raw_columns.predictor(directory, made.reader.served_columns)(rows.columns)
    assert np.allclose(served, predict.scores(directory, rows.records), atol=1e-6)
    plain = predict.scores(made.inputs["model"][0].uri, rows.records)
    shift = [np.log(scores[:, 1] / scores[:, 0]) for scores in (served, plain)]
    shift = shift[0] - shift[1]
    group = rows.columns["group"]
    for name in ("a", "b", ""):
        own = shift[group == name]
        assert np.allclose(own, own[0], atol=1e-3)
    assert shift[group == "a"][0] > shift[group == "b"][0]
    assert abs(shift[group == ""][0]) < 1e-5


def test_the_note_and_the_page(outputs):
    note = outputs["remediation"].get_string_custom_property(base.NOTE)
    first, thresholds, recalibration = note.splitlines()
    assert first.startswith("3 of 3 checks fail")
    assert thresholds.startswith("group_thresholds: equal opportunity difference by group 0.")
    assert " worse" in thresholds
    assert recalibration.startswith("recalibration: expected calibration error")
    text = (Path(outputs["remediation"].uri) / PAGE_FILE).read_text()
    check_tables(check_alone(text))
    assert {"The checks", "The remedies", "Recalibration: before and after"} <= set(headings(text))


def test_a_split_that_is_not_there(made, tmp_path):
    with pytest.raises(InputError, match="no split 'test'") as caught:
        run(made, tmp_path, split="test")
    assert caught.value.details["expected"] == "train, eval"


def test_the_component_takes_what_the_executor_reads(made):
    channels = {
        name: channel_utils.as_channel(found)
        for name, found in {**made.inputs, "examples": made.inputs["raw_examples"]}.items()
    }
    config = RemediatorConfig.model_validate({"checks": CHECKS})
    component = Remediator(config, dataset=json.dumps(DATASET), **channels)
    assert set(component.outputs) == {"remediation", "remediated_models"}
