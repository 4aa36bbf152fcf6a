"""Settings, and whether they fit the data."""

import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.remediator.config import (
    APT,
    DEFAULTS,
    FairnessGap,
    MinDiffRemedy,
    RemediatorConfig,
)
from components.remediator.selection import check

FAIR = {"check": "fairness_gap", "column": "sex", "limit": 0.1}
COLUMNS = ["sex", "city", "age"]


def config(*checks, **settings):
    return RemediatorConfig.model_validate({"checks": checks, **settings})


def test_a_remedy_may_be_named_alone():
    found = config(FAIR, remedies=["min_diff", {"remedy": "reweighting", "powers": [1]}])
    assert found.remedies[0] == MinDiffRemedy()
    assert found.remedies[1].powers == (1.0,)
    assert isinstance(found.checks[0], FairnessGap)


def test_settings_survive_json():
    found = config(FAIR, {"check": "monotonic", "columns": {"age": "increasing"}})
    assert RemediatorConfig.model_validate_json(found.model_dump_json()) == found


def test_all_remedies_have_defaults_and_checks():
    assert [each.remedy for each in DEFAULTS] == list(APT)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"checks": []}, "no check that a remedy could be for"),
        ({"checks": [{"check": "fairness", "column": "sex"}]}, "nearest: fairness_gap"),
        ({"checks": [FAIR], "remedies": ["mindiff"]}, "nearest: min_diff"),
        ({"checks": [FAIR], "remedies": ["recalibration"]}, "is for none of the checks"),
        (
            {"checks": [{"check": "slice_gap", "columns": ["a"], "limit": 1, "metric": "auc"}]},
            "no metric 'auc'; nearest: AUC",
        ),
        (
            {
                "checks": [
                    {"check": "slice_gap", "columns": ["a"], "limit": 1, "metric": "MeanLabel"}
                ]
            },
            "No value of MeanLabel is better",
        ),
    ],
)
def test_wrong_settings_are_told_from_right_ones(settings, told):
    with pytest.raises(InputError, match=told):
        RemediatorConfig.model_validate(settings)


@pytest.mark.parametrize(
    "given",
    [
        {"check": "slice_gap", "limit": 0.1},
        {"check": "slice_gap", "columns": ["a"], "slice": {"a": 1}, "limit": 0.1},
        {"check": "fairness_gap", "column": "sex", "limit": 1.5},
        {"check": "calibration", "limit": 0.1, "bin": 3},
        {"check": "robustness", "eps": 0, "limit": 0.5},
    ],
)
def test_checks_that_say_nothing_are_refused(given):
    with pytest.raises(ValidationError):
        config(given)


def test_each_remedy_once():
    with pytest.raises(ValidationError, match="once"):
        config(FAIR, remedies=["min_diff", "min_diff"])


def test_names_of_checks_are_distinct_and_those_of_files():
    odd = {"check": "slice_gap", "columns": ["mean radius", "a/b"], "limit": 0.1}
    names = list(config(FAIR, FAIR, odd).named_checks())
    assert names == [
        "equal_opportunity_sex",
        "equal_opportunity_sex_2",
        "slice_gap_mean_radius_a_b",
    ]


@pytest.mark.parametrize(
    ("given", "task", "told"),
    [
        ({**FAIR, "column": "sexx"}, "binary", "nearest: sex"),
        ({**FAIR, "column": "city"}, "binary", "4,000 values"),
        ({"check": "slice_gap", "columns": ["age"], "limit": 1}, "binary", "more than 10,000"),
        (FAIR, "multiclass", "not one for the task multiclass"),
        ({"check": "calibration", "limit": 0.1}, "regression", "not one for the task regression"),
        ({"check": "robustness", "eps": 1, "limit": 0.1}, "regression", "robustness is not one"),
        (
            {"check": "monotonic", "columns": {"age": "increasing"}},
            "multiclass",
            "monotonic is not one",
        ),
        (
            {"check": "slice_gap", "columns": ["sex"], "metric": "AUC", "limit": 1},
            "regression",
            "not defined for the task regression",
        ),
    ],
)
def test_checks_must_fit_the_data(given, task, told):
    with pytest.raises(InputError, match=told) as caught:
        check(config(given), task, COLUMNS, {"sex": 2, "city": 4000, "age": None})
    assert caught.value.details["setting"].startswith("remediator.checks.0")


def test_a_single_slice_may_be_of_any_column():
    single = config({"check": "slice_gap", "slice": {"city": "Rome"}, "limit": 0.1})
    check(single, "binary", COLUMNS, {"city": 4000})


def test_thresholds_do_not_equalise_odds():
    odds = {**FAIR, "gap": "equalized_odds_difference"}
    with pytest.raises(InputError, match="by lot"):
        check(config(odds, remedies=["group_thresholds"]), "binary", COLUMNS, {})
    check(config(odds, FAIR, remedies=["group_thresholds"]), "binary", COLUMNS, {})


def test_an_offset_is_that_of_two_classes():
    platt = {"remedy": "recalibration", "method": "platt"}
    given = config({"check": "calibration", "limit": 0.1}, remedies=[platt])
    with pytest.raises(InputError, match="one logit"):
        check(given, "multiclass", COLUMNS, {})
    check(given, "binary", COLUMNS, {})
