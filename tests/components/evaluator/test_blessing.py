"""Which candidate is blessed, by each rule."""

from __future__ import annotations

import pytest

from components.errors import InputError
from components.evaluator.blessing import Candidate, choose
from components.evaluator.config import BlessingRule, EvaluatorConfig

CANDIDATES = {
    "trained": Candidate(0.90, 3000, ()),
    "distilled": Candidate(0.92, 2000, ()),
    "compressed": Candidate(0.91, 500, ()),
    "benchmark/linear": Candidate(0.95, 100, ("AUC overall is too low.",)),
}


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        ({}, "trained"),
        ({"rule": "best"}, "distilled"),
        ({"rule": "best", "among": ["trained", "compressed"]}, "compressed"),
        ({"rule": "smallest"}, "distilled"),
        ({"rule": "smallest", "tolerance": 0.011}, "compressed"),
        ({"rule": "smallest", "tolerance": 0.1, "among": ["trained"]}, "trained"),
    ],
)
def test_rules(rule, chosen):
    assert choose(CANDIDATES, BlessingRule.model_validate(rule), "AUC") == (chosen, [])


def test_a_lower_error_is_better():
    rule = BlessingRule(rule="best", metric="RootMeanSquaredError")
    assert choose(CANDIDATES, rule, "RootMeanSquaredError")[0] == "trained"


def test_the_first_of_equals_is_taken():
    equal = {name: Candidate(0.5, 10, ()) for name in ("trained", "distilled")}
    assert choose(equal, BlessingRule(rule="best"), "AUC")[0] == "trained"
    assert choose(equal, BlessingRule(rule="smallest"), "AUC")[0] == "trained"


def test_no_candidate_that_breaks_a_bound_is_blessed():
    broken = {
        "trained": Candidate(0.9, 1, ("AUC is low.",)),
        "distilled": Candidate(0.9, 1, ("AUC is low.", "Recall is low.")),
    }
    assert choose(broken, BlessingRule(), "AUC") == (None, ["AUC is low."])
    assert choose(broken, BlessingRule(rule="best"), "AUC") == (
        None,
        ["trained: AUC is low.", "distilled: AUC is low.", "distilled: Recall is low."],
    )


def test_a_candidate_that_is_not_there_is_told():
    rule = BlessingRule(rule="best", among=("remediated",))
    name, [reason] = choose(CANDIDATES, rule, "AUC")
    assert name is None
    assert "remediated" in reason


def test_a_group_stands_for_its_members():
    members = {"trained": Candidate(0.5, 1, ()), "benchmark/tree": Candidate(0.6, 1, ())}
    for among in ("benchmark", "benchmark/tree"):
        assert choose(members, BlessingRule(rule="best", among=(among,)), "AUC")[0] == (
            "benchmark/tree"
        )


def test_undefined_everywhere_blesses_nothing():
    name, [reason] = choose({"trained": Candidate(None, 1, ())}, BlessingRule(rule="best"), "AUC")
    assert name is None
    assert "AUC is undefined" in reason


@pytest.mark.parametrize(
    ("blessing", "message"),
    [
        ({"among": ["traned"], "rule": "best"}, "nearest: trained"),
        ({"metric": "AUCC"}, "nearest: AUC"),
        ({"metric": "MeanLabel"}, "better"),
    ],
)
def test_wrong_rules_are_named(blessing, message):
    with pytest.raises(InputError, match=message):
        EvaluatorConfig.model_validate({"blessing": blessing})


@pytest.mark.parametrize(
    "blessing", [{"tolerance": 0.1}, {"rule": "trained", "among": ["distilled"]}]
)
def test_settings_without_effect_are_refused(blessing):
    with pytest.raises(ValueError, match="only with the rule"):
        EvaluatorConfig.model_validate({"blessing": blessing})
