"""Tests of residuals equal those of statsmodels and scipy where definitions agree."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats import diagnostic, oneway, stattools

from components.model_debugger.residuals import (
    autocorrelation,
    groups,
    heteroscedasticity,
    logistic,
    trend,
)

ROWS = 400


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(5)
    regressors = random.normal(size=(ROWS, 2))
    residuals = random.normal(size=(3, ROWS)) * np.exp(0.2 * regressors[:, 0])
    return residuals, regressors


def left(residuals, regressors):
    return sm.OLS(residuals, sm.add_constant(regressors)).fit().resid


def test_koenker(data):
    residuals, regressors = data
    found = heteroscedasticity.koenker(residuals, regressors)
    for row, values in enumerate(residuals):
        wanted = diagnostic.het_breuschpagan(
            left(values, regressors), sm.add_constant(regressors), robust=True
        )
        assert found.statistic[row] == pytest.approx(wanted[0])
        assert found.p_value[row] == pytest.approx(wanted[1])
    assert found.degrees == 2


def test_white(data):
    residuals, regressors = data
    found = heteroscedasticity.white(residuals, regressors)
    for row, values in enumerate(residuals):
        wanted = diagnostic.het_white(left(values, regressors), sm.add_constant(regressors))
        assert found.statistic[row] == pytest.approx(wanted[0])
        assert found.p_value[row] == pytest.approx(wanted[1])


def test_durbin_watson_and_ljung_box(data):
    residuals, _ = data
    walk = np.cumsum(residuals, axis=1) * 0.05 + residuals
    watson = autocorrelation.durbin_watson(walk)
    box = autocorrelation.ljung_box(walk, 12)
    for row, values in enumerate(walk):
        assert watson.statistic[row] == pytest.approx(
            stattools.durbin_watson(values - values.mean())
        )
        wanted = diagnostic.acorr_ljungbox(values, lags=[12])
        assert box.statistic[row] == pytest.approx(wanted["lb_stat"].iloc[0])
        assert box.p_value[row] == pytest.approx(wanted["lb_pvalue"].iloc[0], rel=1e-6, abs=1e-12)
        assert autocorrelation.correlations(values, 5) == pytest.approx(
            sm.tsa.acf(values, nlags=5)[1:]
        )


def test_welch_and_brown_forsythe(data):
    residuals, regressors = data
    own = np.digitize(regressors[:, 0], [-0.5, 0.7])
    parts = [residuals[0][own == group] for group in range(3)]
    wanted = oneway.anova_oneway(parts, use_var="unequal")
    found = groups.welch(residuals[0], own)
    assert (float(found.statistic), float(found.p_value)) == pytest.approx(
        (wanted.statistic, wanted.pvalue)
    )
    found = groups.brown_forsythe(residuals[0], own)
    assert (float(found.statistic), float(found.p_value)) == pytest.approx(
        tuple(stats.levene(*parts, center="median"))
    )


def test_mean(data):
    residuals, _ = data
    found = trend.mean_test(residuals + 0.05)
    wanted = stats.ttest_1samp(residuals + 0.05, 0, axis=1)
    assert found.statistic == pytest.approx(wanted.statistic)
    assert found.p_value == pytest.approx(wanted.pvalue)
    assert trend.mean_test(np.zeros(5)).p_value == 1
    assert trend.mean_test(np.ones(5)).p_value == 0


def test_slope_is_that_of_a_regression_with_white_s_errors(data):
    residuals, regressors = data
    found = trend.slope_test(residuals[0], regressors[:, 0])
    fitted = sm.OLS(residuals[0], sm.add_constant(regressors[:, 0])).fit(cov_type="HC0")
    # A score test takes the residuals without the slope, Wald's those with it.
    assert float(found.statistic) == pytest.approx(fitted.tvalues[1], rel=0.02)


def test_score_tests_of_probabilities():
    random = np.random.default_rng(3)
    rows = 3000
    values = random.normal(size=rows)
    labels = (random.random(rows) < 1 / (1 + np.exp(-values))).astype(float)
    binomial = sm.families.Binomial()

    def fit(exog):
        return sm.GLM(labels, exog, family=binomial).fit(tol=1e-12)

    # At its maximum a model's score is that of the further term alone.
    fitted = fit(sm.add_constant(random.normal(size=rows)))
    p = fitted.fittedvalues
    beside = fitted.model.exog
    found = logistic.score_test(labels - p, p * (1 - p), values[:, None], beside)
    wanted = fitted.score_test(exog_extra=values[:, None])
    assert float(found.statistic) == pytest.approx(float(np.squeeze(wanted[0])), rel=1e-6)
    assert float(found.p_value) == pytest.approx(float(np.squeeze(wanted[1])), rel=1e-5)

    odds = np.log(p / (1 - p))
    fitted = fit(np.column_stack([np.ones(rows), values, odds]))
    p = fitted.fittedvalues
    odds = np.log(p / (1 - p))
    again = fit(np.column_stack([np.ones(rows), values, odds]))
    found = logistic.spread(labels - p, p, values[:, None])
    wanted = again.score_test(exog_extra=(odds * values)[:, None])
    assert float(found.statistic) == pytest.approx(float(np.squeeze(wanted[0])), rel=1e-5)
