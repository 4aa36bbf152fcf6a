"""Residuals are those of their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from components.model_debugger.residuals import values
from components.model_debugger.residuals.against import MISSING, OTHERS, of


@pytest.fixture(scope="module")
def glm():
    random = np.random.default_rng(0)
    x = random.normal(size=300)
    labels = (random.random(300) < 1 / (1 + np.exp(-2 * x))).astype(int)
    fitted = sm.GLM(labels, sm.add_constant(x), family=sm.families.Binomial()).fit()
    p = fitted.fittedvalues
    return labels, np.stack([1 - p, p], axis=1), fitted


def test_pearson_and_deviance_residuals(glm):
    labels, scores, fitted = glm
    [series] = values.series("binary", labels, scores, ("no", "yes"), 1)
    assert series.values == pytest.approx(fitted.resid_pearson)
    assert values.sizes("binary", labels, scores) == pytest.approx(np.abs(fitted.resid_deviance))


def test_each_frequent_class_against_the_rest():
    labels = np.array([2, 2, 2, 0, 0, 1])
    scores = np.full((6, 4), 0.25)
    found = values.series("multiclass", labels, scores, ("a", "b", "c", "d"), 2)
    assert [each.name for each in found] == ["c", "a"]
    assert found[0].raw == pytest.approx(np.where(labels == 2, 0.75, -0.25))
    # A class without a row is none of them.
    assert len(values.series("multiclass", labels, scores, ("a", "b", "c", "d"), 9)) == 3


def test_quantile_residuals_are_normal_where_probabilities_are_right(glm):
    labels, scores, _ = glm
    [series] = values.series("binary", labels, scores, ("no", "yes"), 1)
    found = values.quantile_residuals(series, 1)
    assert stats.kstest(found, "norm").pvalue > 0.01
    assert np.array_equal(found, values.quantile_residuals(series, 1))
    [wrong] = values.series("binary", labels, scores**3, ("no", "yes"), 1)
    assert stats.kstest(values.quantile_residuals(wrong, 1), "norm").pvalue < 1e-4


def test_certain_probabilities_stay_finite():
    [series] = values.series(
        "binary", np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ("no", "yes"), 1
    )
    assert np.isfinite(series.values).all()
    assert np.isfinite(values.quantile_residuals(series, 1)).all()


def test_groups_of_a_column_have_names_and_enough_rows():
    numbers = np.concatenate([np.arange(200.0), np.full(30, np.nan)])
    found = of("column", "n", numbers)
    assert found.names[0] == "0 to 19"
    assert found.names[-1] == MISSING
    assert len(found.names) == 11
    few = of("column", "n", np.concatenate([np.arange(200.0), [np.nan]]))
    assert MISSING not in few.names
    assert few.groups[-1] == -1
    texts = np.array(["a"] * 50 + ["b"] * 30 + [""] * 25 + list("cdefghijklmnopqrstuvwxyz"), object)
    assert of("column", "t", texts).names == ("a", "b", MISSING, OTHERS)
    assert of("time", "time", np.arange(100.0) * 86400).names[0].startswith("1970-01-01 to ")
