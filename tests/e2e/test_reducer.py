"""Features reduced in the DAG and in the model that is pushed, as a person types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import nnls
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import NMF, PCA, FastICA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from benchmarks import data
from components import examples
from components.models.projection import Projection
from components.models.transformed import Features, load_arrays
from tests.e2e.harness import NODES, Project, make_project

pytestmark = pytest.mark.e2e

METHODS = {
    "pca": PCA(5, svd_solver="full"),
    "lda": LinearDiscriminantAnalysis(n_components=1),
    "pls": PLSRegression(4, scale=False, tol=1e-18, max_iter=20_000),
    "svd": TruncatedSVD(5, algorithm="arpack", random_state=0),
    "ica": FastICA(4, tol=1e-6, max_iter=1000, random_state=0),
    "nmf": NMF(4, init="nndsvda", tol=1e-5, max_iter=2000, random_state=0),
}
TRANSFORMED = "Transform/transformed_examples"


def artifact(project: Project, output: str) -> Path:
    return max(project.root.glob(f"artifacts/{output}/[0-9]*"), key=lambda p: int(p.name))


def transformed(project: Project, split: str) -> dict[str, np.ndarray]:
    features = Features.read(artifact(project, "Transform/transform_graph"))
    return load_arrays(artifact(project, TRANSFORMED) / f"Split-{split}", features)


def pushed_model(done):
    return tf.saved_model.load(done["pushed"]).signatures


def check_components(estimator, x, label, x_test, found):
    """Hold components of a test split against scikit-learn's."""
    estimator.fit(x, np.eye(2)[label] if isinstance(estimator, PLSRegression) else label)
    expected = estimator.transform(x_test).reshape(len(x_test), -1)
    correlations = np.corrcoef(found.T, expected.T)[: found.shape[1], found.shape[1] :]
    order = np.abs(correlations).argmax(axis=0)
    signs = np.sign(correlations[order, np.arange(expected.shape[1])])
    matched = found[:, order] * signs
    assert np.linalg.norm(matched - expected) <= 1e-4 * np.linalg.norm(expected)


def check_factors(estimator, x, x_test, found, factors):
    """Hold non-negative factors, which are not unique, by how much of the rows they tell."""
    estimator.fit(np.maximum(x, 0))  # of some 1e-9 below
    assert found.min() >= 0

    def lost(amounts, factors, rows=slice(None)):
        return np.square(x_test[rows] - amounts @ factors).sum()

    best = np.array([nnls(factors.T, row)[0] for row in x_test])
    assert lost(found, factors) <= lost(best, factors) * 1.001
    # scikit-learn takes no rows below the least of the train split.
    inside = (x_test >= 0).all(axis=1)
    theirs = lost(estimator.transform(x_test[inside]), estimator.components_, inside)
    assert inside.sum() > 10
    assert lost(found[inside], factors, inside) <= theirs * 1.001


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A project whose runs share what comes before the reduction."""
    return make_project(
        tmp_path_factory.mktemp("table"),
        settings="trainer: {epochs: 8}\nevaluator: {confidence_intervals: false}\n",
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_pushed_model_reduces_as_scikit_learn_does(table, method):
    project = table
    estimator = METHODS[method]
    components = estimator.n_components
    standardize = "min_max" if method == "nmf" else True
    chosen = f"{{method: {method}, components: {components}, standardize: {standardize}}}"
    done = project.run("--set", f"reducer={chosen}").json
    assert done["state"] == "COMPLETE"
    assert set(project.executions()) >= {*NODES, "DimensionalityReducer"}
    assert done["metrics"]["AUC"] > 0.9
    train, test = (transformed(project, split) for split in ("train", "test"))
    scaler = MinMaxScaler() if method == "nmf" else StandardScaler(with_mean=False)
    scaler.fit(train["numeric"].astype(np.float64))
    x, x_test = (scaler.transform(each["numeric"].astype(np.float64)) for each in (train, test))
    signatures = pushed_model(done)
    rows = {"numeric": tf.constant(test["numeric"])}
    found = signatures["reduced_features"](**rows)["numeric"].numpy()
    if method == "nmf":
        projection = Projection.read(artifact(project, "DimensionalityReducer/projection"))
        bound = np.diag(projection.arrays["gram"]) * projection.arrays["scale"]
        factors = (projection.arrays["weights"] / scaler.scale_[:, np.newaxis] / bound).T
        check_factors(estimator, x, x_test, found, factors)
    else:
        check_components(estimator, x, train["label"], x_test, found)

    # What the DAG trained on, what it serves, and what it scores are one.
    reduced = Features.read(artifact(project, "DimensionalityReducer/projection"))
    assert reduced.numeric == tuple(f"{method}:{number}" for number in range(components))
    written = artifact(project, "DimensionalityReducer/reduced_examples") / "Split-test"
    np.testing.assert_allclose(
        found, load_arrays(written, reduced)["numeric"], rtol=1e-4, atol=1e-5
    )
    raw = _records(artifact(project, "ExampleGen/examples") / "Split-test")
    served = signatures["serving_default"](examples=tf.constant(raw))
    dense = signatures["transformed_features"](**rows)
    np.testing.assert_allclose(served["scores"], dense["scores"], rtol=1e-4, atol=1e-5)


def _records(directory):
    return [
        record
        for path in examples.split_files(directory)
        for record in tf.data.TFRecordDataset(path, "GZIP").as_numpy_iterator()
    ]


def test_reruns_lineage_and_the_way_back(tmp_path):
    """The node comes from the cache, is rerun alone, is asked about, and is switched off."""
    project = make_project(
        tmp_path,
        settings="reducer: {method: pca, components: 0.9}\n"
        "tuner: {strategy: random, budget: {trials: 3, seconds: null}, parallel: 1}\n"
        "trainer: {epochs: 3}\nevaluator: {confidence_intervals: false}\n",
    )
    project.run()
    again = project.run().json
    assert again["counts"]["executed"] == 0
    forced = project.run("DimensionalityReducer", verb="rerun").json
    assert forced["counts"]["executed"] == 1
    found = project.call("artifacts", "--type", "Projection", "--json").json["artifacts"]
    projection, earlier = found
    for path in Path(earlier["uri"]).iterdir():
        assert path.read_bytes() == Path(projection["uri"], path.name).read_bytes()
    assert projection["properties"]["method"] == "pca"
    why = project.call("explain-cache", "Tuner", "--set", "reducer.components=3", "--json").json
    assert why["verdict"] == "would execute"
    assert "DimensionalityReducer would execute" in " ".join(why["reasons"])
    off = project.run("--set", "nodes.DimensionalityReducer.enabled=false").json
    assert off["state"] == "COMPLETE"
    assert "reduced_features" not in pushed_model(off)
    assert project.executed() >= {"Tuner", "Trainer"}
    assert "DimensionalityReducer" not in project.states()


def test_images_are_reduced_as_tables_of_their_pixels(tmp_path):
    data.digits(tmp_path / "images")
    config = tmp_path / "digits.yaml"
    config.write_text(
        "data: {path: images}\nreducer: {method: pca, components: 20}\n"
        "evaluator: {confidence_intervals: false}\n"
    )
    project = Project(tmp_path, config, tmp_path / "runs" / "digits")
    done = project.run().json
    assert done["metrics"]["SparseCategoricalAccuracy"] > 0.9
    train, test = (transformed(project, split) for split in ("train", "test"))
    x, x_test = (each["image"].reshape(len(each["image"]), -1) / 255.0 for each in (train, test))
    varied = x.std(axis=0) > 0
    scaler = StandardScaler(with_mean=False).fit(x[:, varied])
    x, x_test = (scaler.transform(each[:, varied]) for each in (x, x_test))
    signatures = pushed_model(done)
    pixels = tf.constant(test["image"], tf.float32)
    found = signatures["reduced_features"](image=pixels)["numeric"].numpy()
    check_components(PCA(20, svd_solver="full"), x, train["label"], x_test, found)
    encoded = [path.read_bytes() for path in sorted((tmp_path / "images").rglob("*.png"))[::60]]
    classes = signatures["predict"](image=tf.constant(encoded))["class"].numpy()
    labels = [path.parent.name for path in sorted((tmp_path / "images").rglob("*.png"))[::60]]
    assert np.mean([a.decode() == b for a, b in zip(classes, labels, strict=True)]) > 0.9
    report = project.newest("DimensionalityReducer/projection", "report.json")
    assert np.shape(report["loading_images"]) == (16, 8, 8, 1)

    # Without a reduction a network on tables has nothing to take.
    refused = project.call(
        "run", "--set", "reducer.method=none", "--set", "trainer.model.architecture=mlp", expect=2
    )
    assert "mlp does not take images" in refused.err
    plain = project.run("--set", "reducer.method=none").json
    assert plain["state"] == "COMPLETE"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{method: lda, components: 2}", ["LDA cannot make that many", "at most 1"]),
        ("{method: nmf, components: 2}", ["NMF takes no negative", "area error", "min_max"]),
        ("{method: pca, components: 99}", ["at most", "rank"]),
    ],
)
def test_what_the_data_do_not_allow_is_said_by_the_node(table, settings, words):
    project = table
    refused = project.call("run", "--set", f"reducer={settings}", expect=2)
    for word in words:
        assert word in refused.err
    assert project.states()["DimensionalityReducer"] == "FAILED"
    assert "Trainer" not in project.states()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("reducer.method=tsne", ["reducer.method", "'pca'"]),
        ("reducer.components=0", ["reducer.components"]),
        ("reducer.component=2", ["nearest: components"]),
    ],
)
def test_wrong_settings_end_with_exit_code_2_before_anything_runs(tmp_path, setting, words):
    project = make_project(tmp_path)
    refused = project.call("run", "--set", setting, expect=2)
    for word in words:
        assert word in refused.err
    assert not project.root.exists()
