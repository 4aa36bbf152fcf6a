"""The benchmark of the tests of residuals plants what it says, and counts what is found."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import residual_tests
from components.model_debugger.residuals import autocorrelation


def test_what_is_planted_is_there():
    white = residual_tests.regression("white", 1, 4000).series.raw
    assert white.std() == pytest.approx(1, abs=0.05)
    sample = residual_tests.regression("heteroscedastic", 1, 4000)
    x = sample.columns["x"]
    upper = sample.series.raw[x > np.quantile(x, 0.9)].std()
    lower = sample.series.raw[x < np.quantile(x, 0.1)].std()
    assert np.log(upper / lower) == pytest.approx(0.9 * residual_tests.LOG_SPREAD, abs=0.15)
    series = residual_tests.regression("autocorrelated", 1, 4000).series.raw
    assert autocorrelation.correlations(series, 1)[0] == pytest.approx(
        residual_tests.AUTOCORRELATION, abs=0.05
    )
    assert series.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kind", ["white", "autocorrelated"])
def test_probabilities_are_right_but_for_what_is_planted(kind):
    series = residual_tests.classes(kind, 2, 4000).series
    assert series.raw.mean() == pytest.approx(0, abs=0.03)
    assert (series.values**2).mean() == pytest.approx(1, abs=0.1)


def test_bounds_hold_what_chance_makes():
    low, upper = residual_tests.bounds(200)
    assert low < residual_tests.LEVEL < upper
    rejected = np.random.default_rng(0).binomial(200, residual_tests.LEVEL, 20_000) / 200
    assert 0.998 < ((rejected >= low) & (rejected <= upper)).mean() < 1


def test_rates_are_shares_of_seeds():
    assert residual_tests.rates([{"a": 0.01, "b": 0.2}, {"a": 0.06, "b": 0.3}]) == {
        "a": 0.5,
        "b": 0.0,
    }


def test_last_line_holds_the_figures():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.residual_tests", "--seeds", "8", "--rows", "400"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["seeds"] == 8
    assert found["heteroscedastic"]["ours"]["spread"] > 0.8
    assert found["autocorrelated"]["ours"]["Durbin-Watson"] > 0.8
    assert found["classes_heteroscedastic"]["ours"]["spread"] > 0.8
    assert set(found["false_findings"]) == {
        name for name, (*_, is_right) in residual_tests.KINDS.items() if is_right
    }
    for name in residual_tests.KINDS:
        assert set(found[name]) == {"ours", "statsmodels"}
