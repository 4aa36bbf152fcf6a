"""What is planted is found, and where nothing is planted tests reject as often as they may."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from components.model_debugger.residuals import against, autocorrelation, checks, values

SEEDS = 100
LEVEL = 0.05


def most(seeds):
    """Return the greatest number of rejections that chance makes in 1 of 10,000 cases."""
    return stats.binom.ppf(1 - 1e-4, seeds, LEVEL)


def p_values(subject, time=None):
    [series] = values.series(subject.task, subject.labels, subject.scores, subject.classes, 3)
    found = checks.overall(series)
    for name, column in subject.columns.items():
        found += checks.against(series, against.of("column", name, column))
    found += checks.against(series, against.of("prediction", "prediction", series.predictions))
    if time is not None:
        found += checks.ordered(series, time, 10)[0]
    return {
        (check.family, check.name, check.test.split(",")[0]): float(check.result.p_value)
        for check in found
    }


@pytest.fixture(scope="module")
def null_rates(make_regression, make_binary):
    """Return the rejections of each test over the seeds, where models are right."""
    rejected = {}
    for name, make in {
        "heavy tails": lambda s: make_regression(
            lambda columns, random: random.standard_t(5, len(columns["x"])), 400, s
        ),
        "classes": lambda s: make_binary(lambda odds, columns: odds, 800, s),
    }.items():
        counts = defaultdict(int)
        for seed in range(SEEDS):
            subject = make(seed)
            for key, p in p_values(subject, np.arange(len(subject)).astype(float)).items():
                counts[key] += p < LEVEL
        rejected[name] = counts
    return rejected


@pytest.mark.parametrize("name", ["heavy tails", "classes"])
def test_silent_where_the_model_is_right(null_rates, name):
    counts = null_rates[name]
    assert {key[0] for key in counts} == set(checks.FAMILIES)
    assert max(counts.values()) <= most(SEEDS), counts
    # Not by never rejecting: all tests together come near the level.
    assert 0.5 * LEVEL < sum(counts.values()) / len(counts) / SEEDS < 1.5 * LEVEL


def test_skewed_errors_of_unequal_spread_are_no_trend(make_regression):
    def error(columns, random):
        return columns["x"] * (random.exponential(size=len(columns["x"])) - 1)

    rejected = sum(
        p_values(make_regression(error, 500, seed))[
            "trend", "x", "Slope on ranks (White's variance)"
        ]
        < LEVEL
        for seed in range(SEEDS)
    )
    assert rejected <= most(SEEDS)


def test_planted_faults_of_a_regression(make_regression):
    def noise(columns, random):
        return random.normal(size=len(columns["x"]))

    spread = p_values(make_regression(lambda c, r: noise(c, r) * (0.5 + 0.5 * c["x"])))
    assert spread["spread", "x", "White on ranks"] < 1e-6
    level = p_values(make_regression(lambda c, r: noise(c, r) + 0.5 * (c["city"] == "C")))
    assert level["level", "city", "Welch"] < 1e-6
    of_text = p_values(make_regression(lambda c, r: noise(c, r) * (1 + (c["city"] == "C"))))
    assert of_text["spread", "city", "Brown-Forsythe"] < 1e-6
    missing = p_values(make_regression(lambda c, r: noise(c, r) + np.isnan(c["z"])))
    assert missing["level", "z", "Welch"] < 1e-6


def test_an_autocorrelated_error_is_found_in_the_order_of_time_only(make_regression):
    def error(columns, random):
        found = random.normal(size=len(columns["x"]))
        for i in range(1, len(found)):
            found[i] += 0.3 * found[i - 1]
        return found

    subject = make_regression(error)
    found = p_values(subject, subject.time)
    assert found["autocorrelation", "time", "Durbin-Watson"] < 1e-6
    assert found["autocorrelation", "time", "Ljung-Box"] < 1e-6
    # The same rows, mixed: their time puts them in order again.
    mixed = np.random.default_rng(1).permutation(len(subject))
    again = p_values(subject.take(mixed), subject.time[mixed])
    for test in ("Durbin-Watson", "Ljung-Box"):
        key = ("autocorrelation", "time", test)
        assert again[key] == pytest.approx(found[key])
    assert (
        p_values(subject.take(mixed), np.arange(len(subject)).astype(float))[
            "autocorrelation", "time", "Durbin-Watson"
        ]
        > 1e-3
    )


def test_planted_faults_of_probabilities(make_binary):
    spread = p_values(make_binary(lambda odds, c: odds / (1 + 2 * (c["x"] > 1)), 6000))
    assert spread["spread", "x", "Davidson-MacKinnon on ranks"] < 1e-6
    level = p_values(make_binary(lambda odds, c: odds + (c["city"] == "B")))
    assert level["level", "city", "Score test of groups"] < 1e-6
    trend = p_values(make_binary(lambda odds, c: odds + 0.4 * np.log(c["x"])))
    assert trend["trend", "x", "Score test on ranks"] < 1e-6
    # Too bold everywhere: no column has to do with it, the prediction has.
    bold = p_values(make_binary(lambda odds, c: odds / 2))
    assert bold["trend", "prediction", "Score test on ranks"] < 1e-6
    assert bold["spread", "x", "Davidson-MacKinnon on ranks"] > 1e-3


def test_a_mean_that_is_wrong_everywhere(make_regression, make_binary):
    shifted = p_values(make_regression(lambda c, r: 0.3 + r.normal(size=len(c["x"]))))
    assert shifted["level", "zero", "Student's t"] < 1e-6
    assert shifted["level", "x", "Welch"] > 1e-3
    shifted = p_values(make_binary(lambda odds, c: odds + 0.4))
    assert shifted["level", "zero", "Score test of a constant"] < 1e-6
    assert shifted["level", "x", "Score test of groups"] > 1e-3


def test_a_changing_variance_is_no_autocorrelation():
    random = np.random.default_rng(0)
    scale = np.exp(1.2 * np.sin(np.arange(400) / 20))
    residuals = random.normal(size=(SEEDS, 400)) * scale
    robust = autocorrelation.ljung_box(residuals, 10, robust=True).p_value < LEVEL
    plain = autocorrelation.ljung_box(residuals, 10).p_value < LEVEL
    assert robust.sum() <= most(SEEDS) < plain.sum()


def test_q_values_are_those_of_each_family(make_regression):
    subject = make_regression(lambda c, r: r.normal(size=len(c["x"])))
    [series] = values.series("regression", subject.labels, subject.scores, (), 1)
    found = [
        check
        for name, column in subject.columns.items()
        for check in checks.against(series, against.of("column", name, column))
    ]
    q = np.array(checks.q_values(found))
    for family in ("trend", "level", "spread"):
        own = [i for i, check in enumerate(found) if check.family == family]
        p = [float(found[i].result.p_value) for i in own]
        assert q[own] == pytest.approx(stats.false_discovery_control(p))
