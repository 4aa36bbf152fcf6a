"""Tree ensembles: the model says what scikit-learn's says, whatever holds it."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from components.errors import InputError
from components.models import scores, trees
from components.models.hyperparameters import TreesHyperParameters
from components.models.transformed import CategoricalColumn, Features
from components.models.tree_layer import TreeEnsemble
from components.models.tree_tables import round_down

FAMILIES = ("boosted_trees", "random_forest", "extra_trees")
TASKS = {"binary": 2, "multiclass": 4, "regression": 0}


def _features(task="binary", numeric=("a", "b", "c"), sizes=(6, 40), classes=None):
    count = TASKS[task] if classes is None else classes
    return Features(
        numeric=numeric,
        categorical=tuple(CategoricalColumn(name=f"z{i}", size=n) for i, n in enumerate(sizes)),
        label="y",
        task=task,
        classes=tuple(f"class {i}" for i in range(count)),
    )


def _arrays(features, rows, seed=0, unseen=False):
    """Return rows with few distinct numbers; some ids are there only if `unseen`."""
    generator = np.random.default_rng(seed)
    arrays = {}
    score = generator.normal(scale=0.3, size=rows)
    if features.numeric:
        numeric = generator.integers(-8, 9, (rows, len(features.numeric))) / 7
        arrays["numeric"] = numeric.astype(np.float32)
        score += np.abs(arrays["numeric"][:, 0]) * 3
    if features.categorical:
        ids = np.stack([generator.integers(0, c.size, rows) for c in features.categorical], 1)
        arrays["categorical"] = ids if unseen else ids - (ids % 5 == 3)
        score += np.sin(arrays["categorical"][:, 0] * 2.4) * 2
    if features.regression:
        arrays["y"] = (score * 1000 + 5000).astype(np.float32)
    else:
        classes = len(features.classes)
        edges = np.quantile(score, np.arange(1, classes) / classes)
        arrays["y"] = np.searchsorted(edges, score).astype(np.int64)
    return arrays


def _hp(architecture="boosted_trees", **settings):
    defaults = {"trees": 30, "max_leaves": 12, "max_depth": 6, "min_samples_leaf": 5}
    return TreesHyperParameters(architecture=architecture, **(defaults | settings))


def _fit(hp, features, rows=800, seed=3, **arguments):
    return trees.fit(
        hp,
        features,
        _arrays(features, rows, 0),
        _arrays(features, rows // 2, 1),
        label="y",
        seed=seed,
        **arguments,
    )


@pytest.fixture
def grown(monkeypatch):
    """The scikit-learn ensembles that are grown, and the matrices they are given."""
    kept = []
    for name, family in dict(trees._GROWERS).items():

        class Kept(family):
            def __init__(self, hp, features, columns, seed):
                super().__init__(hp, features, columns, seed)
                kept.append((self, columns))

        monkeypatch.setitem(trees._GROWERS, name, Kept)
    return kept


def _expected(grower, columns, arrays, features):
    """Return scikit-learn's own scores of the trees that are kept."""
    matrix = columns.matrix(arrays)
    if isinstance(grower, trees._Forest):
        ensemble = grower._forest
    else:
        ensemble = grower._booster
        del ensemble._predictors[grower.keep :]
    if features.regression:
        return ensemble.predict(matrix)[:, np.newaxis]
    return ensemble.predict_proba(matrix)


def _inputs(arrays):
    return {name: tf.constant(array) for name, array in arrays.items() if name != "y"}


def _scores(model, arrays, task):
    return scores.from_outputs(model(_inputs(arrays)), task).numpy()


def _edge_cases(model, arrays):
    """Return rows whose numbers are thresholds, or the float32 next to one."""
    layer = model.get_layer("trees")
    thresholds = layer.thresholds.numpy()
    thresholds = thresholds[np.isfinite(thresholds)]
    generator = np.random.default_rng(8)
    shape = arrays["numeric"].shape
    near = generator.choice(thresholds, shape)
    step = generator.integers(-1, 2, shape)
    near = np.where(step < 0, np.nextafter(near, np.float32(-np.inf)), near)
    near = np.where(step > 0, np.nextafter(near, np.float32(np.inf)), near)
    return arrays | {"numeric": near.astype(np.float32)}


@pytest.mark.parametrize(
    ("architecture", "task", "shape"),
    [
        *itertools.product(FAMILIES, TASKS, [(("a", "b", "c"), (6, 40))]),
        *itertools.product(FAMILIES, ["binary"], [(("a",), ()), ((), (9,)), (("a", "b"), (3,))]),
    ],
)
def test_model_is_exact(grown, architecture, task, shape):
    features = _features(task, *shape)
    model, _ = _fit(_hp(architecture), features)
    [(grower, columns)] = grown
    for arrays in (_arrays(features, 500, 2, unseen=True), _arrays(features, 1, 3, unseen=True)):
        if features.numeric:
            arrays = _edge_cases(model, arrays)
        found = _scores(model, arrays, task)
        expected = _expected(grower, columns, arrays, features)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_model_is_exact_for_any_shape(grown, seed):
    draw = np.random.default_rng(100 + seed)
    task = str(draw.choice(list(TASKS)))
    features = _features(
        task,
        tuple(f"n{i}" for i in range(draw.integers(0, 4))),
        tuple(int(n) for n in draw.integers(3, 300, draw.integers(1, 4))),
    )
    hp = _hp(
        str(draw.choice(FAMILIES)),
        trees=int(draw.integers(1, 40)),
        max_leaves=int(draw.integers(2, 60)),
        max_depth=int(draw.integers(1, 14)),
        min_samples_leaf=int(draw.integers(1, 30)),
        max_features=float(draw.uniform(0.2, 1)),
    )
    model, _ = _fit(hp, features, int(draw.integers(60, 1500)))
    [(grower, columns)] = grown
    arrays = _arrays(features, 700, 2, unseen=True)
    np.testing.assert_allclose(
        _scores(model, arrays, task),
        _expected(grower, columns, arrays, features),
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("architecture", FAMILIES)
def test_every_row_ends_in_the_leaf_of_scikit_learn(grown, architecture):
    features = _features("binary")
    model, _ = _fit(_hp(architecture, patience=1000), features)
    [(grower, columns)] = grown
    arrays = _edge_cases(model, _arrays(features, 600, 2, unseen=True))
    matrix = columns.matrix(arrays)
    layer = model.get_layer("trees")
    leaves = layer.leaves([arrays["categorical"], arrays["numeric"]]).numpy()
    found = layer.leaf_values.numpy()[leaves, 0].T
    if architecture == "boosted_trees":
        rows = grower._as_seen(matrix)
        expected = np.stack([grower._predict(i, rows)[:, 0] for i in range(grower.keep)])
    else:
        each = [t.predict_proba(matrix)[:, 1] for t in grower._forest.estimators_]
        expected = np.stack(each) / len(each)
    # The layer has its trees in another order.
    np.testing.assert_array_equal(
        sorted(map(tuple, found)), sorted(map(tuple, expected.astype(np.float32)))
    )


def test_rounding_down_keeps_every_comparison():
    draw = np.random.default_rng(0)
    values = draw.normal(size=2000).astype(np.float32)
    for thresholds in (
        (values[:-1].astype(np.float64) + values[1:]) / 2,
        values[:-1].astype(np.float64),
        np.nextafter(values[:-1].astype(np.float64), np.inf),
        np.nextafter(values[:-1].astype(np.float64), -np.inf),
        np.full(1999, 1e300),
        np.full(1999, -np.inf),
    ):
        for against in (values[:-1], values[1:]):
            np.testing.assert_array_equal(
                against <= round_down(thresholds), against.astype(np.float64) <= thresholds
            )


@pytest.mark.parametrize("architecture", FAMILIES)
@pytest.mark.parametrize("task", TASKS)
def test_it_learns_and_says_how_well(architecture, task):
    features = _features(task)
    model, history = _fit(_hp(architecture, trees=60), features, rows=2000)
    validation = _arrays(features, 1000, 1)
    predicted = _scores(model, validation, task)
    if task == "regression":
        loss = np.mean((predicted[:, 0] - validation["y"]) ** 2)
        untaught = np.var(validation["y"])
    else:
        loss = log_loss(validation["y"], predicted.astype(np.float64))
        untaught = np.log(len(features.classes))
    assert history.best_loss == pytest.approx(loss, rel=1e-4)
    assert history.epochs[history.best_epoch]["val_loss"] == history.best_loss
    assert loss < 0.7 * untaught
    assert history.epochs[0]["loss"] > history.epochs[-1]["loss"] or architecture != FAMILIES[0]


@pytest.mark.parametrize("architecture", FAMILIES)
@pytest.mark.parametrize("task", TASKS)
def test_chunks_equal_one_fit_and_seeds_decide(architecture, task, monkeypatch):
    features = _features(task)
    hp = _hp(architecture, max_features=0.5, patience=1000)
    arrays = _arrays(features, 50, 5)
    monkeypatch.setattr(trees, "CHUNK", 7)
    chunked = _fit(hp, features)[0](_inputs(arrays)).numpy()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(trees, "CHUNK", 1000)
    np.testing.assert_array_equal(_fit(hp, features)[0](_inputs(arrays)), chunked)
    assert not np.array_equal(_fit(hp, features, seed=4)[0](_inputs(arrays)), chunked)


def test_boosting_equals_plain_scikit_learn():
    features = _features("binary", sizes=())
    arrays = _arrays(features, 800, 0)
    model, history = _fit(_hp(trees=90, learning_rate=0.05, patience=1000), features)
    assert len(history.epochs) == 4
    plain = HistGradientBoostingClassifier(
        max_iter=90,
        learning_rate=0.05,
        max_leaf_nodes=12,
        max_depth=6,
        min_samples_leaf=5,
        early_stopping=False,
    ).fit(arrays["numeric"], arrays["y"])
    kept = model.get_layer("trees").sizes["trees"]
    expected = list(plain.staged_predict_proba(arrays["numeric"]))[kept - 1]
    np.testing.assert_allclose(_scores(model, arrays, "binary"), expected, atol=1e-6)


def test_boosting_ends_when_it_gets_worse_and_drops_those_trees():
    features = _features("binary")
    hp = _hp(trees=1000, learning_rate=1.0, patience=10)
    model, history = _fit(hp, features, rows=300)
    kept = model.get_layer("trees").sizes["trees"]
    assert kept + hp.patience <= len(history.epochs) * trees.CHUNK < 1000
    assert history.best_epoch == (kept - 1) // trees.CHUNK
    shorter, _ = _fit(hp.model_copy(update={"trees": kept}), features, rows=300)
    arrays = _arrays(features, 50, 7)
    np.testing.assert_array_equal(model(_inputs(arrays)), shorter(_inputs(arrays)))


@pytest.mark.parametrize("architecture", FAMILIES)
def test_a_listener_may_stop_it(architecture):
    heard = []

    def stop(chunk, val_loss):
        heard.append((chunk, val_loss))
        return chunk == 1

    hp = _hp(architecture, trees=500, patience=500)
    model, history = _fit(hp, _features(), on_round=stop)
    assert [chunk for chunk, _ in heard] == [0, 1]
    assert [loss for _, loss in heard] == [epoch["val_loss"] for epoch in history.epochs]
    assert model.get_layer("trees").sizes["trees"] <= 2 * trees.CHUNK


def test_two_classes_asked_for_as_multiclass(grown):
    features = _features("multiclass", classes=2)
    model, _ = _fit(_hp(), features)
    [(grower, columns)] = grown
    arrays = _arrays(features, 200, 2)
    found = _scores(model, arrays, "multiclass")
    np.testing.assert_allclose(
        found, _expected(grower, columns, arrays, features), rtol=1e-6, atol=1e-6
    )


def test_the_choice_of_input_is_in_the_model():
    names = ("fare", "fare:cdf", "night")
    features = _features("binary", names, (400,))
    arrays = _arrays(features, 600, 2)
    model, _ = _fit(_hp(numeric="ranks", max_categories=3), features)
    before = model(_inputs(arrays)).numpy()
    changed = {name: array.copy() for name, array in arrays.items()}
    changed["numeric"][:, 0] += 100  # the copy that is not used
    rare = changed["categorical"] >= 5
    changed["categorical"][rare] = np.random.default_rng(0).integers(5, 400, rare.sum())
    np.testing.assert_array_equal(model(_inputs(changed)), before)
    changed["numeric"][:, 1] += 100
    assert not np.array_equal(model(_inputs(changed)), before)


def test_rare_categories_beyond_the_limit_count_as_unknown():
    features = _features("binary", (), (1000,))
    model, _ = _fit(_hp(), features)
    ids = np.array([[1], [255], [999]], np.int64)
    outputs = model({"categorical": tf.constant(ids)}).numpy()
    assert outputs[0] == outputs[1] == outputs[2]


@pytest.mark.parametrize("architecture", FAMILIES)
@pytest.mark.parametrize("task", TASKS)
def test_model_is_rebuilt_from_its_config_and_weights(architecture, task, tmp_path):
    features = _features(task, ("a", "b", "b:cdf"), (6, 400))
    model, _ = _fit(_hp(architecture), features)
    model.save_weights(str(tmp_path / "model.weights.h5"))
    rebuilt = tf_keras.models.model_from_json(json.dumps(json.loads(model.to_json())))
    rebuilt.load_weights(str(tmp_path / "model.weights.h5"))
    arrays = _inputs(_arrays(features, 300, 2))
    np.testing.assert_array_equal(rebuilt(arrays), model(arrays))


@pytest.mark.parametrize("architecture", FAMILIES)
def test_tensorflow_lite_has_all_operations(architecture):
    features = _features("multiclass")
    model, _ = _fit(_hp(architecture), features)
    arrays = _arrays(features, 64, 2, unseen=True)

    @tf.function(autograph=False)
    def serve(numeric, categorical):
        return model({"numeric": numeric, "categorical": categorical})

    function = serve.get_concrete_function(
        tf.TensorSpec((None, 3), tf.float32, name="numeric"),
        tf.TensorSpec((None, 2), tf.int64, name="categorical"),
    )
    content = tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    details = [
        (next(name for name in arrays if name in detail["name"]), detail["index"])
        for detail in interpreter.get_input_details()
    ]
    for name, index in details:
        interpreter.resize_tensor_input(index, arrays[name].shape)
    interpreter.allocate_tensors()
    for name, index in details:
        interpreter.set_tensor(index, arrays[name])
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, model(_inputs(arrays)), rtol=1e-5, atol=1e-5)


def test_saved_model_needs_neither_python_nor_a_loop(tmp_path):
    features = _features("binary")
    model, _ = _fit(_hp(), features)

    @tf.function(autograph=False)
    def serve(numeric, categorical):
        return model({"numeric": numeric, "categorical": categorical})

    module = tf.Module()
    module.weights = list(model.variables)
    signature = serve.get_concrete_function(
        tf.TensorSpec((None, 3), tf.float32, name="numeric"),
        tf.TensorSpec((None, 2), tf.int64, name="categorical"),
    )
    tf.saved_model.save(module, str(tmp_path), signatures=signature)
    operations = {operation.type for operation in signature.graph.get_operations()}
    assert not operations & {"While", "StatelessWhile", "PyFunc", "EagerPyFunc"}
    arrays = _inputs(_arrays(features, 100, 2))
    [found] = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](**arrays).values()
    np.testing.assert_array_equal(found, model(arrays))


def test_class_weights_move_the_scores():
    features = _features("binary")
    arrays = _arrays(features, 400, 2)
    plain = _scores(_fit(_hp(), features)[0], arrays, "binary")
    weighted = _scores(_fit(_hp(), features, class_weights={0: 1.0, 1: 9.0})[0], arrays, "binary")
    assert weighted[:, 1].mean() > plain[:, 1].mean() + 0.02


def test_pure_leaves_give_finite_logits():
    features = _features("multiclass")
    model, history = _fit(_hp("random_forest", max_leaves=500, min_samples_leaf=1), features)
    assert np.isfinite(model(_inputs(_arrays(features, 400, 2)))).all()
    assert np.isfinite(history.best_loss)


def test_a_class_without_rows_is_named():
    features = _features("binary", classes=3)
    arrays = _arrays(_features("binary"), 100)
    with pytest.raises(InputError, match="class 2"):
        trees.fit(_hp(), features, arrays, arrays, label="y", seed=1)


def test_no_features_at_all():
    features = _features("binary", (), ())
    with pytest.raises(InputError, match="no features"):
        trees.fit(_hp(), features, {"y": np.zeros(3)}, {"y": np.zeros(3)}, label="y", seed=1)


def test_layer_is_not_trained():
    model, _ = _fit(_hp(), _features())
    assert not model.trainable_variables
    assert isinstance(model.get_layer("trees"), TreeEnsemble)
    assert isinstance(model, tf_keras.Model)
