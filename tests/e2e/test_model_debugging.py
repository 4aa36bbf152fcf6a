"""A model is looked into and remedied, and the Evaluator chooses among all candidates."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components import examples
from components.models import predict
from tests.components.pages import check_alone
from tests.e2e.harness import Project

pytestmark = pytest.mark.e2e

CONFIG = """
data: {path: loans.csv, label: granted}
trainer: {epochs: 4, model: {hidden_units: [8]}}
debugger:
  benchmark_models: {models: [linear, nearest_neighbours, lattice, rulefit]}
  sensitivity: {samples: 64, rows: 100, repeats: 1}
  adversarial: {tables: {rows: 40, immutable: [region]}}
remediator:
  checks:
    - {check: fairness_gap, column: region, gap: demographic_parity_difference, limit: 0.02}
    - {check: calibration, limit: 0.9}
  remedies: [group_thresholds, recalibration]
explainer:
  candidate: benchmark/rulefit
  rows: 60
  shapley: {rows: 10}
  counterfactuals: {rows: 2, immutable: [region]}
evaluator:
  split: eval
  confidence_intervals: false
  fairness: {columns: [region]}
  blessing: {rule: best, among: [trained, benchmark]}
"""


def write_table(path: Path) -> None:
    """Write loans that one region is granted more often than the other."""
    random = np.random.default_rng(0)
    rows = 2400
    income, debt = random.normal(size=rows), random.normal(size=rows)
    region = random.choice(["north", "south"], rows)
    noise = random.normal(0, 0.4, rows)
    granted = income - debt + (region == "north") + noise > 0.5
    lines = [
        f"{a:.4f},{b:.4f},{c},{'yes' if y else 'no'}"
        for a, b, c, y in zip(income, debt, region, granted, strict=True)
    ]
    path.write_text("\n".join(["income,debt,region,granted", *lines]) + "\n")


@pytest.fixture
def project(tmp_path):
    write_table(tmp_path / "loans.csv")
    config = tmp_path / "loans.yaml"
    config.write_text(CONFIG)
    return Project(tmp_path, config, tmp_path / "runs" / "loans")


def test_a_model_is_looked_into_and_remedied_and_all_are_candidates(project):
    done = project.run().json
    assert done["state"] == "COMPLETE"
    told = "\n".join(done["notes"])
    assert "demographic parity difference by region" in told

    found = project.newest("ModelDebugger/analysis", "analysis.json")
    assert set(found["sections"]) == {
        "benchmark_models",
        "residuals",
        "sensitivity",
        "adversarial",
        "privacy",
    }
    check_alone(project.newest_text("ModelDebugger/analysis", "model_debugging.html"))

    remedied = project.newest("Remediator/remediation", "remediation.json")
    assert [each["name"] for each in remedied["remedies"]] == ["group_thresholds"]
    check_alone(project.newest_text("Remediator/remediation", "remediation.html"))

    explained = project.newest("Explainer/explanations", "explanations.json")
    assert explained["candidate"] == "benchmark/rulefit"
    assert {"shapley", "lime", "counterfactuals", "surrogates"} <= set(explained["methods"])
    assert {"integrated_gradients", "tcav", "grad_cam"} <= set(explained["refused"])
    importance = explained["methods"]["shapley"]["found"]["importance"]
    assert set(sorted(importance, key=importance.__getitem__)[-2:]) == {"income", "debt"}
    check_alone(project.newest_text("Explainer/explanations", "explanations.html"))

    evaluated = project.newest("Evaluator/evaluation", "evaluation.json")
    names = [f"benchmark/{name}" for name in ("linear", "nearest_neighbours", "lattice", "rulefit")]
    candidates = evaluated["candidates"]
    assert set(candidates) == {"trained", "remediated/group_thresholds", *names}
    check_alone(project.newest_text("Evaluator/evaluation", "evaluation.html"))

    # Each candidate, loaded again, gives what it was scored by; the best of some is pushed.
    [split] = project.root.glob("artifacts/ExampleGen/examples/*/Split-eval")
    records = [
        record for batch in examples.read_records(examples.split_files(split)) for record in batch
    ]
    labels = [b"yes" in record for record in records]
    measured = {name: evaluated["metrics"][name]["Overall"]["AUC"]["value"] for name in candidates}
    for name, each in candidates.items():
        scores = predict.load(each["uri"]).predict_examples(records)[:, 1]
        assert roc_auc_score(labels, scores) == pytest.approx(measured[name], abs=1e-3), name
    assert evaluated["chosen"] == max(("trained", *names), key=measured.__getitem__)
    pushed = json.loads(project.newest_text("Pusher/pushed_model", "pushed.json"))
    assert pushed["candidate"] == evaluated["chosen"]

    # Thresholds by group do what they are for.
    gaps = {
        name: each["gaps"]["demographic_parity_difference"]
        for name, each in evaluated["fairness"]["region"].items()
    }
    assert gaps["remediated/group_thresholds"] < gaps["trained"] / 2

    assert project.run().json["counts"]["executed"] == 0


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("debugger.split=nowhere", ("debugger.split", "nowhere", "eval")),
        ("debugger.adversarial.tables.immutable=[regoin]", ("regoin", "nearest: region")),
        ("debugger.sensitivity.monotonic={incom: increasing}", ("incom", "nearest: income")),
        (
            "remediator={checks: [{check: fairness_gap, column: sex, limit: 0.1}]}",
            ("no column 'sex'", "remediator.checks.0"),
        ),
        ("explainer.candidate=distilled", ("explainer.candidate", "distilled", "trained")),
        ("explainer.groups={money: [income, dept]}", ("dept", "nearest: debt")),
        ("remediator.checks=[]", ("remediator.checks", "at least one")),
    ],
)
def test_settings_that_do_not_fit_end_before_anything_is_written(project, setting, words):
    refused = project.call("run", "--set", setting, expect=2)
    assert all(word in refused.err for word in words)
    assert not project.root.exists()
