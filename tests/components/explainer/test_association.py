"""The association of features of any kinds."""

import numpy as np
import pytest
from scipy import stats

from components.explainer.association import strength

ROWS = 2000


@pytest.fixture(scope="module")
def random():
    return np.random.default_rng(0)


def test_of_numbers_it_is_spearmans_correlation(random):
    a = random.normal(size=ROWS)
    b = np.exp(-a) + random.normal(size=ROWS)
    expected = abs(stats.spearmanr(a, b).statistic)
    assert strength(a, True, b, True) == pytest.approx(expected)
    assert strength(a, True, -np.exp(a), True) == pytest.approx(1.0)
    holed = np.where(random.random(ROWS) < 0.3, np.nan, a)
    assert strength(holed, True, a, True) == pytest.approx(1.0)


def test_of_categories_it_is_cramers_v(random):
    a = random.integers(0, 4, ROWS).astype(float)
    assert strength(a, False, (a + 1) % 4, False) == pytest.approx(1.0, abs=1e-3)
    b = np.where(random.random(ROWS) < 0.5, a, random.integers(0, 4, ROWS))
    table = stats.contingency.crosstab(a, b).count
    plain = stats.contingency.association(table, method="cramer")
    # The correction takes what chance adds.
    assert plain - 0.01 < strength(a, False, b, False) <= plain


def test_of_a_category_and_a_number_it_is_the_share_of_their_ranks(random):
    groups = random.integers(0, 3, ROWS).astype(float)
    apart = 10 * groups + random.random(ROWS)
    size = strength(groups, False, apart, True)
    assert size == strength(apart, True, groups, False)
    # Within a third of the ranks there is a ninth of their variance.
    assert size == pytest.approx(np.sqrt(1 - 1 / 9), abs=0.01)


@pytest.mark.parametrize("kinds", [(True, True), (True, False), (False, True), (False, False)])
def test_what_is_independent_has_none(kinds, random):
    a, b = random.integers(0, 12, (2, ROWS)).astype(float)
    assert strength(a, kinds[0], b, kinds[1]) < 0.08
    assert strength(a, kinds[0], np.ones(ROWS), kinds[1]) == 0.0
    assert strength(np.full(ROWS, np.nan), kinds[0], b, kinds[1]) == 0.0
    # Each row a category of its own tells nothing.
    assert strength(np.arange(ROWS) * 1.0, False, b, kinds[1]) < 0.1
