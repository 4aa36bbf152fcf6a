"""Every method does what scikit-learn's does, in Python and as a served signature."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
import tf_keras
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, PCA, FastICA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from components.dimensionality_reducer import assembly, fitting
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.reducers import REDUCERS
from components.models.projection import Project, Projection
from components.models.transformed import NUMERIC, Features
from tests.components.dimensionality_reducer.data import columns_of, rows_of, shards

COMPONENTS = {"pca": 12, "lda": 9, "pls": 12, "svd": 12, "ica": 6, "nmf": 10}
TOLERANCE = 1e-4
#: The way through scikit-learn, and the one for rows that do not fit into memory.
WAYS = {"in memory": fitting.DENSE_NUMBERS, "streamed": 0}


@pytest.fixture(scope="module")
def digits():
    """Train rows, test rows, columns; the pixels that vary in the train rows only."""
    x, y = load_digits(return_X_y=True)
    x = x[:, x[:1200].std(axis=0) > 0].astype(np.float32)
    rows = rows_of(x, y.astype(np.int64))
    return rows.take(slice(1200)), rows.take(slice(1200, None)), columns_of(rows, classes=10)


def reference(method, x, y, components):
    """Return scikit-learn's fitted estimator."""
    estimators = {
        "pca": PCA(components, svd_solver="full"),
        "lda": LinearDiscriminantAnalysis(n_components=components),
        "pls": PLSRegression(components, scale=False, tol=1e-18, max_iter=20_000),
        "svd": TruncatedSVD(components, algorithm="arpack", random_state=0),
        "ica": FastICA(components, tol=1e-6, max_iter=1000, random_state=0),
        "nmf": NMF(components, init="nndsvda", tol=1e-5, max_iter=1000, random_state=0),
    }
    target = np.eye(10)[y] if method == "pls" else y
    return estimators[method].fit(x, target)


def fitted(digits, method, monkeypatch, numbers, components=None):
    train, _, columns = digits
    monkeypatch.setattr(fitting, "DENSE_NUMBERS", numbers)
    config = ReducerConfig(method=method, components=components or COMPONENTS[method])
    fit = fitting.fit(shards(train), columns, config)
    features = Features(
        numeric=columns.numeric,
        categorical=(),
        label="y",
        task="multiclass",
        classes=columns.classes,
    )
    return fit, assembly.projection_of(fit, columns, features, config)


def served(projection: Projection, directory, width: int):
    """Return the function of a SavedModel whose first layer is the projection."""
    numeric = tf_keras.Input((width,), dtype=tf.float32, name=NUMERIC)
    model = tf_keras.Model({NUMERIC: numeric}, Project.of(projection)({NUMERIC: numeric}))
    module = tf.Module()
    module.variables_of_model = list(model.variables)
    signature = tf.function(lambda numeric: model({NUMERIC: numeric})).get_concrete_function(
        tf.TensorSpec([None, width], tf.float32, name=NUMERIC)
    )
    tf.saved_model.save(module, str(directory), signatures={"project": signature})
    loaded = tf.saved_model.load(str(directory)).signatures["project"]
    return lambda x: loaded(numeric=tf.constant(x))[NUMERIC].numpy()


def aligned(found, expected):
    """Return `found` with the order and the signs of `expected`, by correlation."""
    correlations = np.corrcoef(found.T, expected.T)[: found.shape[1], found.shape[1] :]
    order = np.abs(correlations).argmax(axis=0)
    return found[:, order] * np.sign(correlations[order, np.arange(expected.shape[1])])


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("method", [name for name in REDUCERS if name != "nmf"])
@pytest.mark.parametrize("way", WAYS)
def test_the_components_are_scikit_learns(digits, method, way, monkeypatch, tmp_path):
    train, test, _ = digits
    scaler = StandardScaler(with_mean=False).fit(train.numeric.astype(np.float64))
    x = scaler.transform(train.numeric.astype(np.float64))
    model = reference(method, x, train.label, COMPONENTS[method])
    expected = model.transform(scaler.transform(test.numeric.astype(np.float64)))
    _, projection = fitted(digits, method, monkeypatch, WAYS[way])
    in_python = projection.run({NUMERIC: test.numeric})[NUMERIC]
    from_model = served(projection, tmp_path, test.numeric.shape[1])(test.numeric)
    # The rotation of a sample's components is found by iteration, once in each basis.
    tolerance = 0.01 if (method, way) == ("ica", "streamed") else TOLERANCE
    for found in (in_python, from_model):
        matched = aligned(found.astype(np.float64), expected)
        assert relative_error(matched, expected) <= tolerance
        columns = np.linalg.norm(matched - expected, axis=0) / np.linalg.norm(expected, axis=0)
        assert columns.max() <= 10 * tolerance


def objective(x, amounts, factors):
    return float(((x - amounts @ factors) ** 2).sum())


@pytest.mark.parametrize("way", WAYS)
def test_non_negative_factors_are_as_good_as_scikit_learns(digits, way, monkeypatch, tmp_path):
    train, test, _ = digits
    fit, projection = fitted(digits, "nmf", monkeypatch, WAYS[way])
    scaler = StandardScaler(with_mean=False).fit(train.numeric.astype(np.float64))
    x, x_test = (scaler.transform(rows.numeric.astype(np.float64)) for rows in (train, test))
    model = reference("nmf", x, train.label, COMPONENTS["nmf"])
    theirs = objective(x_test, model.transform(x_test), model.components_)
    factors = fit.basis.loadings
    best = np.array([scipy.optimize.nnls(factors.T, row)[0] for row in x_test])
    for found in (
        projection.run({NUMERIC: test.numeric})[NUMERIC],
        served(projection, tmp_path, test.numeric.shape[1])(test.numeric),
    ):
        assert found.min() >= 0
        ours = objective(x_test, found, factors)
        assert ours <= theirs * 1.001
        assert ours <= objective(x_test, best, factors) * 1.001


@pytest.mark.parametrize("method", REDUCERS)
def test_streaming_gives_what_memory_gives(digits, method, monkeypatch):
    memory, streamed = (fitted(digits, method, monkeypatch, n)[0].basis for n in WAYS.values())
    limits = {"pca": 1e-9, "svd": 1e-9, "lda": 1e-9, "pls": 1e-6, "ica": 1e-2, "nmf": 1e-2}
    for name in ("weights", "loadings", "scores"):
        ours, theirs = getattr(streamed, name), getattr(memory, name)
        assert relative_error(ours, theirs) <= limits[method], name


@pytest.mark.parametrize("method", REDUCERS)
def test_the_largest_loading_is_positive(digits, method, monkeypatch):
    loadings = fitted(digits, method, monkeypatch, 0)[0].basis.loadings
    largest = np.abs(loadings).argmax(axis=1)
    assert (loadings[np.arange(len(loadings)), largest] > 0).all()


@pytest.mark.parametrize("method", REDUCERS)
@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_numbers(digits, method, way, monkeypatch):
    first, second = (fitted(digits, method, monkeypatch, WAYS[way])[1].arrays for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("method", [n for n, reducer in REDUCERS.items() if reducer.nested])
def test_fewer_components_are_the_first_of_more(digits, method, monkeypatch):
    more, fewer = (
        fitted(digits, method, monkeypatch, WAYS["in memory"], count)[0].basis for count in (8, 3)
    )
    assert relative_error(more.first(3).weights, fewer.weights) <= 1e-9


@pytest.mark.parametrize("method", ["pca", "svd"])
def test_a_share_of_the_variance_is_reached(digits, method, monkeypatch):
    for share in (0.3, 0.9):
        scores = fitted(digits, method, monkeypatch, WAYS["in memory"], share)[0].basis.scores
        assert scores.sum() > share >= scores[:-1].sum()


def test_a_share_of_the_variance_is_scikit_learns(digits, monkeypatch):
    train, _, _ = digits
    x = StandardScaler().fit_transform(train.numeric.astype(np.float64))
    basis = fitted(digits, "pca", monkeypatch, 0, 0.8)[0].basis
    assert len(basis.scores) == PCA(0.8, svd_solver="full").fit(x).n_components_
