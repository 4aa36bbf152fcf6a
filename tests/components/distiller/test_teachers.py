"""Teachers of every kind, and those that cannot teach."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from components.distiller.teachers import Source
from components.errors import InputError
from components.models import export, loading, measuring, scores
from components.models.hyperparameters import TreesHyperParameters
from components.models.specification import Specification
from components.models.transformed import Features
from tests.components.distiller import data

FEATURES, ARRAYS = data.features_of("multiclass"), data.table(300, "multiclass")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return data.write_model(tmp_path_factory.mktemp("network"), FEATURES, ARRAYS, epochs=2)


def serve(directory, network, features):
    """Write what the Pusher pushes, without the signatures that need a transform graph."""
    model = loading.load(network).model
    module = tf.Module()
    module.weights = list(model.variables)
    specs = {
        name: tf.TensorSpec([None, *shape], tf.int64 if name == "categorical" else tf.float32)
        for name, shape in features.shapes.items()
    }

    @tf.function(autograph=False)
    def transformed_features(**given):
        return {"scores": scores.from_outputs(model(given, training=False), features.task)}

    function = transformed_features.get_concrete_function(
        **{name: tf.TensorSpec(s.shape, s.dtype, name=name) for name, s in specs.items()}
    )
    tf.saved_model.save(module, str(directory), signatures={"transformed_features": function})
    return str(directory)


def test_a_model_artifact_comes_back_as_it_was(network):
    loaded = loading.load(network)
    teacher = Source(network, FEATURES).open()
    answers = teacher.answer(ARRAYS)
    np.testing.assert_allclose(
        answers.outputs, measuring.outputs(loaded.model, ARRAYS), rtol=1e-5, atol=1e-6
    )
    assert answers.hints.shape == (300, 0)
    assert teacher.parameters == loaded.model.count_params()
    assert teacher.bytes == 4 * teacher.parameters
    assert teacher.architecture == "mlp"
    assert teacher.latency_ms(ARRAYS) > 0


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_pushed_model_teaches_by_the_logs_of_its_scores(task, tmp_path):
    features, arrays = data.features_of(task), data.table(100, task)
    network = data.write_model(tmp_path / "model", features, arrays, epochs=2)
    pushed = Source(serve(tmp_path / "1", network, features), features).open()
    own = Source(network, features).open()
    assert (pushed.parameters, pushed.bytes) == (own.parameters, own.bytes)
    said, expected = (each.answer(arrays).outputs for each in (pushed, own))
    if task == "multiclass":  # a softmax knows no common term
        said, expected = (z - z.mean(axis=1, keepdims=True) for z in (said, expected))
    np.testing.assert_allclose(said, expected, atol=1e-4)


@pytest.mark.parametrize("kinds", [("numeric", "categorical"), ("numeric",)])
def test_trees_teach(tmp_path, kinds):
    hp = TreesHyperParameters(architecture="random_forest", trees=2)
    features = FEATURES if len(kinds) > 1 else FEATURES.model_copy(update={"categorical": ()})
    arrays = {name: ARRAYS[name] for name in (*kinds, "label")}
    teacher = Source(data.write_model(tmp_path, features, arrays, hp), features).open()
    assert teacher.answer(arrays).outputs.shape == (300, 3)
    assert teacher.architecture == "random_forest"


def test_no_model_is_said(tmp_path):
    with pytest.raises(InputError, match="no model to learn from") as caught:
        Source(str(tmp_path), FEATURES).open()
    assert "distiller.teachers" in str(caught.value)


def test_other_features_are_refused(network, tmp_path):
    other = FEATURES.model_copy(update={"numeric": ("a", "b", "z")})
    with pytest.raises(InputError, match="other features") as caught:
        Source(network, other).open()
    assert "numeric differ" in str(caught.value)
    pushed = serve(tmp_path / "1", network, FEATURES)
    narrower = FEATURES.model_copy(update={"numeric": ("a", "b")})
    with pytest.raises(InputError, match="other features"):
        Source(pushed, narrower).open()


def test_other_outputs_are_refused(network, tmp_path):
    pushed = serve(tmp_path / "1", network, FEATURES)
    four = FEATURES.model_copy(update={"classes": ("low", "mid", "high", "top")})
    with pytest.raises(InputError, match="outputs are not those of a student") as caught:
        Source(pushed, four).open()
    assert "4 for multiclass" in str(caught.value)
    # What a user's own network puts out, nobody has looked at before.
    keras = tmp_path / "own" / export.KERAS_DIRECTORY
    keras.parent.mkdir()
    shutil.copytree(network + "/" + export.KERAS_DIRECTORY, keras)
    four.write(keras)
    with pytest.raises(InputError, match="outputs are not those of a student"):
        Source(str(keras.parent), Features.read(keras)).open()


@pytest.mark.parametrize(("layer", "said"), [("hiden_0", "nearest: hidden_0")])
def test_hints_need_a_layer(network, layer, said, tmp_path):
    with pytest.raises(InputError, match=said) as caught:
        Source(network, FEATURES, layer).open()
    assert "distiller.hints.teacher" in str(caught.value)
    pushed = serve(tmp_path / "1", network, FEATURES)
    with pytest.raises(InputError, match="no layers"):
        Source(pushed, FEATURES, layer).open()


def test_an_ensemble_has_no_layer_of_its_own(network, tmp_path):
    keras = tmp_path / export.KERAS_DIRECTORY
    shutil.copytree(network + "/" + export.KERAS_DIRECTORY, keras)
    [member] = Specification.read(keras).members
    Specification(members=(member, member)).write(keras)
    with pytest.raises(InputError, match="ensemble has no layer"):
        Source(str(tmp_path), FEATURES, "hidden_0").open()
