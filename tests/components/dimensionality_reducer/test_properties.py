"""Properties of every method, over random shapes and ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from components.dimensionality_reducer import fitting
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.reconstruction import Inverse
from components.errors import InputError
from tests.components.dimensionality_reducer.data import columns_of, rows_of, shards

RANDOM = settings(max_examples=25, deadline=None)


def low_rank(rows, width, rank, seed):
    """Return float32 rows that vary in `rank` directions, exactly: of small integers."""
    random = np.random.default_rng(seed)
    left = random.integers(-3, 4, (rows, rank))
    right = random.integers(-3, 4, (rank, width))
    return (left @ right).astype(np.float32)


def fit(x, label, method, components, way, classes=0, **options):
    rows = rows_of(x, label)
    config = ReducerConfig(method=method, components=components, **options)
    numbers = fitting.DENSE_NUMBERS
    try:
        fitting.DENSE_NUMBERS = numbers if way == "in memory" else 0
        return fitting.fit(shards(rows), columns_of(rows, classes), config)
    finally:
        fitting.DENSE_NUMBERS = numbers


def scaled(fitted, x):
    return fitted.scaling.dense(x.astype(np.float64))


SHAPES = {
    "rows": st.integers(20, 80),
    "width": st.integers(1, 10),
    "rank": st.integers(1, 10),
    "seed": st.integers(0, 10_000),
    "way": st.sampled_from(["in memory", "streamed"]),
    "standardize": st.sampled_from([True, False, "min_max"]),
}


@RANDOM
@given(**SHAPES)
def test_all_principal_components_give_the_rows_back(rows, width, rank, seed, way, standardize):
    x = low_rank(rows, width, rank, seed)
    assume(np.ptp(x, axis=0).any())
    true_rank = int(np.linalg.matrix_rank(x - x.mean(axis=0, dtype=np.float64), tol=1e-6))
    fitted = fit(x, np.zeros(rows), "pca", true_rank, way, standardize=standardize)
    found = scaled(fitted, x)
    inverse = Inverse.of(fitted.basis, fitted.statistics)
    z = (found - fitted.basis.centre) @ fitted.basis.weights
    np.testing.assert_allclose(z @ inverse.matrix + inverse.offset, found, atol=1e-8)
    assert fitted.basis.scores.sum() == pytest.approx(1)
    # The components do not vary together.
    covariance = np.cov(z.T).reshape(true_rank, true_rank)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() <= 1e-8 * covariance.max()
    with pytest.raises(InputError, match="cannot make that many"):
        fit(x, np.zeros(rows), "pca", true_rank + 1, way, standardize=standardize)


@RANDOM
@given(**SHAPES)
def test_singular_vectors_hold_the_most(rows, width, rank, seed, way, standardize):
    x = low_rank(rows, width, rank, seed)
    assume(np.ptp(x, axis=0).any())
    fitted = fit(x, np.zeros(rows), "svd", 1, way, standardize=standardize)
    found = scaled(fitted, x)
    singular = np.linalg.svd(found, compute_uv=False)
    assert np.linalg.norm(found @ fitted.basis.weights) == pytest.approx(singular[0], rel=1e-8)


@RANDOM
@given(**SHAPES)
def test_the_first_direction_of_partial_least_squares_is_scikit_learns(
    rows, width, rank, seed, way, standardize
):
    x = low_rank(rows, width, rank, seed)
    target = x @ np.random.default_rng(seed).normal(size=width) + np.arange(rows) % 3
    target = target.astype(np.float32)
    assume(np.ptp(x, axis=0).any())
    centred = x - x.mean(axis=0, dtype=np.float64)
    assume(np.linalg.norm(centred.T @ target) > 1e-3 * np.linalg.norm(centred))
    fitted = fit(x, target, "pls", 1, way, standardize=standardize)
    found = scaled(fitted, x)
    expected = PLSRegression(1, scale=False).fit(found, target).transform(found)[:, 0]
    ours = ((found - fitted.basis.centre) @ fitted.basis.weights)[:, 0]
    sign = np.sign(ours @ expected)
    np.testing.assert_allclose(ours * sign, expected, atol=1e-6 * np.abs(expected).max())
    assert 0 <= fitted.basis.scores[0] <= 1 + 1e-9


@RANDOM
@given(
    rows=st.integers(40, 80),
    width=st.integers(1, 8),
    rank=st.integers(1, 8),
    classes=st.integers(2, 5),
    seed=st.integers(0, 10_000),
    way=st.sampled_from(["in memory", "streamed"]),
)
def test_discriminants_part_the_classes_as_scikit_learns(rows, width, rank, classes, seed, way):
    x = low_rank(rows, width, rank, seed)
    label = np.arange(rows) % classes
    # Of the classes, so that there is something to find.
    x = x + (label[:, None] * (np.arange(width) % 3 == 0)).astype(np.float32)
    assume((np.ptp(x, axis=0) > 0).any())
    inner = [np.ptp(x[label == k], axis=0) for k in range(classes)]
    assume(((np.max(inner, axis=0) > 0) | (np.ptp(x, axis=0) == 0)).all())
    fitted = fit(x, label, "lda", 1, way, classes)
    found = scaled(fitted, x)
    model = LinearDiscriminantAnalysis(n_components=1).fit(found, label)
    assume(model.explained_variance_ratio_[0] > 0.5 + 1e-3 or classes == 2)
    expected = model.transform(found)[:, 0]
    ours = ((found - fitted.basis.centre) @ fitted.basis.weights)[:, 0]
    sign = np.sign(ours @ expected)
    np.testing.assert_allclose(ours * sign, expected, atol=1e-5 * np.abs(expected).max())


@RANDOM
@given(**{**SHAPES, "standardize": st.just("min_max")})
def test_factors_and_their_shares_are_not_negative(rows, width, rank, seed, way, standardize):
    x = low_rank(rows, width, rank, seed)
    varied = int((np.ptp(x, axis=0) > 0).sum())
    assume(varied)
    components = min(2, varied)
    fitted = fit(x, np.zeros(rows), "nmf", components, way, standardize=standardize)
    assert (fitted.basis.loadings >= 0).all()
    assert (fitted.basis.scores >= 0).all()
    assert np.isfinite(fitted.basis.weights).all()


@RANDOM
@given(**SHAPES)
def test_independent_components_have_unit_variance(rows, width, rank, seed, way, standardize):
    x = low_rank(rows, width, rank, seed)
    assume(np.ptp(x, axis=0).any())
    true_rank = int(np.linalg.matrix_rank(x - x.mean(axis=0, dtype=np.float64), tol=1e-6))
    components = min(2, true_rank)
    fitted = fit(x, np.zeros(rows), "ica", components, way, standardize=standardize)
    z = (scaled(fitted, x) - fitted.basis.centre) @ fitted.basis.weights
    covariance = np.cov(z.T, ddof=0).reshape(components, components)
    np.testing.assert_allclose(covariance, np.eye(components), atol=1e-6)
