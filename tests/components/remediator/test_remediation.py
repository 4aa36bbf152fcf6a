"""From failed checks to candidates: what is tried, kept, compared and said."""

from dataclasses import replace

import pytest

from components.errors import InputError
from components.models.training import DivergedError
from components.remediator import remediation
from components.remediator.candidate import Candidate
from components.remediator.config import Calibration, RemediatorConfig, Robustness
from components.remediator.remediation import choose, remediate, trials, verdict
from components.remediator.remedies import REMEDIES, Remedy

FAIR = {"check": "fairness_gap", "column": "group", "limit": 0.08}
PARITY = {**FAIR, "gap": "demographic_parity_difference"}
CALIBRATED = {"check": "calibration", "limit": 0.5}


def config(*checks, **settings):
    return RemediatorConfig.model_validate({"checks": checks, **settings})


def run(made, settings, problem=None):
    published = {}

    def publish(name, candidate):
        published[name] = candidate
        return made.scored(candidate)

    return remediate(settings, problem or made.problem, made.scored(), publish), published


def with_remedy(monkeypatch, name, candidates):
    monkeypatch.setitem(REMEDIES, name, Remedy("A remedy", candidates))


def test_checks_that_hold_need_no_remedy(made):
    found, published = run(made, config(CALIBRATED))
    assert found["failed"] == found["remedies"] == []
    assert not published
    assert found["checks"]["calibration"]["holds"]


def test_thresholds_mend_the_gap_and_what_got_worse_is_said(made):
    found, published = run(made, config(FAIR, CALIBRATED, remedies=["group_thresholds"]))
    name = "equal_opportunity_group"
    assert found["failed"] == [name]
    [remedy] = found["remedies"]
    assert remedy["name"] == "group_thresholds"
    assert list(published) == ["group_thresholds"]
    before, after = found["checks"][name], remedy["checks"][name]
    assert not before["holds"]
    assert after["value"] < before["value"]
    assert name in remedy["better"]
    # Decisions of one group at another threshold cost what the scores were best at.
    assert "BinaryCrossentropy" in remedy["worse"]
    for kind in ("checks", "quality"):
        for told in remedy[kind].values():
            assert told["verdict"] in ("better", "worse", "same")
    told = {n: each["verdict"] for n, each in {**remedy["checks"], **remedy["quality"]}.items()}
    assert {n for n in told if told[n] == "worse"} == set(remedy["worse"])
    assert sum(each["chosen"] for each in remedy["tried"]) == 1
    low, high = remedy["interval"]
    change = remedy["quality"]["AUC"]["value"] - found["quality"]["AUC"]
    assert low <= change <= high


def test_a_candidate_for_each_check_that_fails(made):
    notes = []
    settings = config(FAIR, PARITY, CALIBRATED, remedies=["group_thresholds", "recalibration"])
    failed = list(settings.named_checks())[:2]
    found = trials(settings, failed, notes)
    assert [each.name for each in found] == [f"group_thresholds_{check}" for check in failed]
    assert notes == ["Recalibration was not tried: no check that it is for fails."]


def test_without_declared_remedies_all_apt_ones_are_tried(made):
    settings = config(CALIBRATED, {"check": "robustness", "eps": 0.1, "limit": 0.5})
    notes = []
    found = trials(settings, list(settings.named_checks()), notes)
    assert [each.remedy for each in found] == [
        "augmentation",
        "adversarial_training",
        "recalibration",
    ]
    assert notes == []


@pytest.mark.parametrize(
    ("tried", "kept"),
    [
        ([(0.3, 0.9), (0.05, 0.8), (0.09, 0.85)], 2),
        ([(0.3, 0.9), (0.2, 0.8), (0.25, 0.99)], 1),
        ([(0.05, 0.8), (0.05, 0.8)], 0),
        ([(None, 0.9), (0.3, 0.7)], 1),
        ([(None, 0.9)], 0),
    ],
)
def test_the_strength_that_is_kept(tried, kept):
    assert choose(Calibration(limit=0.1), tried, higher=True) == kept


def test_the_strength_of_a_value_that_should_be_high():
    tried = [(0.7, 1.0), (0.85, 2.0), (0.9, 3.0)]
    assert choose(Robustness(eps=1, limit=0.8), tried, higher=False) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((0.1, 0.2, "lower"), "worse"),
        ((0.1, 0.2, "higher"), "better"),
        ((0.1, 0.10005, "lower"), "same"),
        ((None, 0.1, "lower"), None),
        ((0.1, 0.2, None), None),
    ],
)
def test_verdicts(given, told):
    assert verdict(*given) == told


def test_what_cannot_be_applied_is_said(made, monkeypatch):
    def refuses(*_):
        raise InputError("The model is a stone.")
        yield

    def diverges(*_):
        raise DivergedError("The loss is nan.")
        yield

    with_remedy(monkeypatch, "group_thresholds", refuses)
    with_remedy(monkeypatch, "min_diff", diverges)
    found, _ = run(made, config(FAIR, remedies=["group_thresholds", "min_diff"]))
    assert found["remedies"] == []
    assert [note.rpartition(": ")[2] for note in found["notes"]] == [
        "The model is a stone.",
        "The loss is nan.",
    ]


def test_the_time_budget_ends_a_remedy_with_what_it_has(made, monkeypatch):
    def endless(problem, *_):
        while True:
            yield Candidate(problem.model, "one more")

    with_remedy(monkeypatch, "group_thresholds", endless)
    found, _ = run(made, config(FAIR, remedies=["group_thresholds"], seconds=1e-6))
    assert len(found["remedies"][0]["tried"]) == 1
    assert "were up at the strength “one more”" in found["notes"][0]


def test_a_training_that_has_no_time_is_said(made):
    found, _ = run(made, config(FAIR, remedies=["reweighting"], seconds=1e-6))
    assert found["remedies"] == []
    assert "within the first epoch" in found["notes"][0]


def test_a_check_that_cannot_be_measured_fails_nothing(made):
    alone = {**FAIR, "min_group_size": 10_000}
    found, _ = run(made, config(alone))
    assert found["failed"] == []
    assert "was not measured: fewer than two groups" in found["notes"][0]


def test_a_refitted_model_is_said_to_look_better(made):
    refitted = made.problem.specification.model_copy(update={"refit": True})
    found, _ = run(made, config(CALIBRATED), replace(made.problem, specification=refitted))
    assert "refitted on the rows of train and eval" in found["notes"][0]


def test_quality_of_a_regression_has_no_calibration(made):
    problem = replace(made.problem, task="regression")
    found = remediation.quality(problem, made.judging, made.scored().scores)
    assert list(found) == ["RootMeanSquaredError", "MeanAbsoluteError", "R2Score"]
