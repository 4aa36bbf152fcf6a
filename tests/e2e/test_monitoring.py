"""Later data are monitored, a planted drift is found, and the model that is trained anew pushed."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.components.pages import check_alone
from tests.e2e.harness import Project

pytestmark = pytest.mark.e2e

CONFIG = """
data:
  path: trips.csv
  label: tipped
  exclude: [id, at]
  periods: {column: at, start: 2024-03-01, every: month}
trainer: {epochs: 6, model: {hidden_units: [16]}}
evaluator: {confidence_intervals: false, worst_slices: null}
nodes: {Explainer: {enabled: false}}
monitor:
  key: id
  slices: [area]
  replicates: 30
  gate: false
"""
DAY = 86_400
START = int(pd.Timestamp("2024-01-01", tz="UTC").timestamp())


def trips(name, rows, seed, day, *, flip_from=None):
    """Return trips of 30 days, of which from a row on those tip that did not before."""
    random = np.random.default_rng(seed)
    miles, hour = random.gamma(2, 2, rows), random.integers(0, 24, rows)
    area = random.choice(["loop", "north", "airport"], rows)
    chance = 1 / (1 + np.exp(-(miles - 4 + 2 * (area == "airport"))))
    tipped = random.random(rows) < chance
    if flip_from is not None:
        tipped[flip_from:] = ~tipped[flip_from:]
    at = START + day * DAY + np.sort(random.integers(0, 29 * DAY, rows))
    return pd.DataFrame(
        {
            "id": [f"{name}{i}" for i in range(rows)],
            "at": pd.to_datetime(at, unit="s").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "miles": miles.round(3),
            "hour": hour,
            "area": area,
            "tipped": np.where(tipped, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    directory = tmp_path_factory.mktemp("monitoring")
    first = [trips(f"t{i}-", 1500, i, 30 * i) for i in range(2)]
    pd.concat([*first, trips("t2-", 400, 2, 61)]).to_csv(directory / "trips.csv", index=False)
    (directory / "trips.yaml").write_text(CONFIG)
    project = Project(directory, directory / "trips.yaml", directory / "runs" / "trips")
    project.run()
    return project


def save(project, frame, name):
    frame.to_csv(project.directory / name, index=False)
    return name


def seen(project):
    return project.newest("DriftMonitor/history", "history.json")


def test_a_drift_is_found_and_a_better_model_trained_and_pushed(project):
    # The run itself held back a month and watched it.
    [march] = seen(project)["spans"]
    assert (march["name"], march["labelled"], march["alarms"]) == ("span-2024-03", 400, [])

    # A month without labels: estimated, and measured when the labels come.
    april = trips("u", 500, 11, 92)
    result = project.run(save(project, april.drop(columns="tipped"), "april.csv"), verb="monitor")
    assert result.json["exit_code"] == 0
    entry = seen(project)["spans"][-1]
    estimated = entry["estimates"]["champion"]["AUC"]
    assert (entry["name"], entry["labelled"], entry["metrics"]) == ("span-april", 0, {})
    labels = save(project, april[["id", "tipped"]], "labels.csv")
    project.run("--labels", labels, verb="monitor")
    [_, entry] = seen(project)["spans"]
    measured = entry["metrics"]["champion"]["overall"]["AUC"]["value"]
    low, high = estimated["interval"]
    assert low - 0.02 < measured < high + 0.02

    # A month in which the concept changes: an alarm, and a model of the rows since then.
    may = save(project, trips("v", 1500, 6, 122, flip_from=500), "may.csv")
    # Two workers, of which a fork of the second would inherit the threads that drew the report.
    result = project.run(may, "--retrain", verb="monitor", new_process=True).json
    assert (result["exit_code"], result["state"]) == (3, "REFUSED")
    assert result["refusals"][0].startswith("Drift: may:")
    anew = result["retraining"]
    assert (anew["exit_code"], anew["pushed"]) == (0, str(project.root / "serving" / "2"))
    found = seen(project)
    assert [entry["name"] for entry in found["spans"]] == ["span-2024-03", "span-april", "span-may"]
    assert len(found["models"]) == 2
    alarm = next(a for a in found["spans"][-1]["alarms"] if a["kind"] == "errors")
    assert alarm["time"] is not None
    # 900 labelled rows came before the span, and 500 in it before the change.
    assert alarm["change_row"] == pytest.approx(1400, abs=60)
    judged = project.newest("Evaluator/evaluation", "evaluation.json")
    [bound] = judged["thresholds"]
    assert (bound["bound"], bound["kept"]) == ("min_gain", True)

    # The pushed model goes back to the span that made it necessary.
    [pushed, _] = project.call("artifacts", "--type", "PushedModel", "--json").json["artifacts"]
    lineage = project.call("lineage", str(pushed["id"]), "--json").json
    assert {"MonitoringHistory", "Examples"} <= {a["type"] for a in lineage["artifacts"]}
    assert {"SpanGen", "DriftMonitor", "Trainer"} <= {e["node"] for e in lineage["executions"]}

    # The next month is as the last: no alarm by the new model, in the same history.
    june = save(project, trips("w", 500, 7, 153, flip_from=0), "june.csv")
    assert project.run(june, verb="monitor").json["exit_code"] == 0
    found = seen(project)
    assert [entry["name"] for entry in found["spans"]][-2:] == ["span-may", "span-june"]
    assert found["spans"][-1]["model"] == found["models"][-1]["id"]
    assert found["spans"][-1]["metrics"]["champion"]["overall"]["AUC"]["value"] > 0.8
    check_alone(project.newest_text("DriftMonitor/history", "monitoring.html"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f.drop(columns="miles"), ["another schema", "without 'miles'"]),
        (lambda f: f[:0], ["header and no rows"]),
        (lambda f: f.assign(tipped="perhaps"), ["does not know", "perhaps", "tipped"]),
        (lambda f: pd.concat([f, f[:1]]), ["same key", "monitor.key"]),
    ],
)
def test_bad_spans_are_refused_before_anything_is_written(project, change, told):
    before = seen(project)
    path = save(project, change(trips("bad", 50, 9, 400)), "bad.csv")
    result = project.call("monitor", path, expect=2)
    assert all(text in result.err for text in [*told, "bad.csv"]), result.err
    assert seen(project) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to monitor"),
        (["nowhere.csv"], "no such file"),
        (["trips.csv", "--set", "monitor.detectors={ddm: {warm_start: 0}}"], "warm_start"),
        (["trips.csv", "--set", "monitor.slices=[street]"], "street"),
        (["trips.csv", "--set", "root=elsewhere"], "use run"),
    ],
)
def test_what_cannot_be_monitored_says_why(project, arguments, told):
    result = project.call("monitor", *arguments, expect=2)
    assert told in result.err


def test_rows_that_were_monitored_are_refused(project):
    again = save(project, trips("t2-", 400, 2, 61), "again.csv")
    result = project.call("monitor", again, expect=2)
    assert "monitored already" in result.err or "same key" in result.err or "older" in result.err


def test_the_history_is_told_as_json(project):
    found = json.loads(project.newest_text("DriftMonitor/history", "history.json"))
    assert found["version"] == 1
