"""The report as a page: what it says, and that nothing in the data breaks out of it."""

import json

from components.remediator import card
from tests.components.pages import EVIL, check_alone, check_tables, headings, images


def checked(value, holds, title="gap by sex", better="lower"):
    return {
        "check": "fairness_gap",
        "title": title,
        "limit": 0.1,
        "better": better,
        "value": value,
        "holds": holds,
        "detail": EVIL,
    }


def report(**changes):
    told = {"value": 0.05, "holds": True, "detail": EVIL, "verdict": "better"}
    return {
        "split": "eval",
        "rows": 1000,
        "tuning_rows": 900,
        "metric": "AUC",
        "metric_rises": True,
        "names": ["gap", "right", "unknown"],
        "checks": {
            "gap": checked(0.2, False, f"gap by {EVIL}"),
            "right": checked(0.05, True, "calibration"),
            "unknown": checked(None, None, "accuracy under attack", "higher"),
        },
        "failed": ["gap"],
        "quality": {"AUC": 0.9, "ExpectedCalibrationError": 0.02},
        "remedies": [
            {
                "name": "min_diff",
                "remedy": "min_diff",
                "title": "MinDiff",
                "check": "gap",
                "strength": f"a {EVIL}",
                "tried": [
                    {"strength": "one", "value": 0.15, "metric": 0.91, "chosen": False},
                    {"strength": "two", "value": 0.05, "metric": 0.89, "chosen": True},
                ],
                "seconds": 12.3,
                "checks": {
                    "gap": told,
                    "right": {**told, "value": 0.15, "holds": False, "verdict": "worse"},
                    "unknown": {**told, "value": None, "holds": None, "verdict": None},
                },
                "quality": {
                    "AUC": {"value": 0.88, "verdict": "worse"},
                    "ExpectedCalibrationError": {"value": 0.02, "verdict": "same"},
                },
                "better": ["gap"],
                "worse": ["right", "AUC"],
                "interval": [-0.03, -0.01],
            }
        ],
        "notes": [EVIL],
        **changes,
    }


def drawn(tmp_path, **changes):
    (tmp_path / card.REPORT_FILE).write_text(json.dumps(report(**changes)))
    return card.page(tmp_path)


def test_the_page_stands_alone(tmp_path):
    text = drawn(tmp_path)
    check_tables(check_alone(text))
    assert headings(text)[:2] == ["The checks", "The remedies"]
    assert len(images(text)) == 1


def test_the_page_says_what_got_worse(tmp_path):
    text = check_alone(drawn(tmp_path)).text
    assert "1 of 3 checks fails; a remedy brings it within its limit." in text
    assert "What got worse: calibration, AUC." in text
    assert "better, now holds" in text
    assert "worse, now fails" in text
    assert "not measured" in text


def test_without_a_failure_there_is_no_remedy(tmp_path):
    checks = {"gap": checked(0.05, True), "other": checked(0.01, True)}
    text = drawn(tmp_path, checks=checks, names=["gap", "other"], failed=[], remedies=[], notes=[])
    assert "All 2 checks hold: no remedy was tried." in check_alone(text).text
    assert headings(text) == ["The checks"]


def test_a_check_that_was_not_measured_is_not_said_to_hold():
    checks = {"gap": checked(0.05, True), "other": checked(None, None)}
    told = card.lines(report(checks=checks, failed=[], remedies=[]))
    assert told == "1 of 2 checks could be measured and hold: no remedy was tried."


def test_lines_for_the_terminal():
    first, second = card.lines(report(notes=[])).split("\n", 1)
    assert first.endswith("within its limit.")
    assert "0.2000 to 0.0500 (limit 0.1), AUC -0.0200; 2 figures worse" in second


def test_remedies_that_do_not_reach_the_limit():
    given = report()
    given["remedies"][0]["checks"]["gap"]["holds"] = False
    assert card.lines(given).startswith("1 of 3 checks fails; no remedy brings it within")
    given["remedies"] = []
    assert card.lines(given) == "1 of 3 checks fails; no remedy could be applied."
