"""Every format, on tables and images: what is promised of all of them."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components import files
from components.compressor.exports import EXPORTS, Comparison, Skipped, Subject, export
from components.compressor.exports.base import CannotExportError, size_of
from tests.components.compressor.exports import subjects

SUBJECTS = {
    "binary": lambda: subjects.table(),
    "multiclass": lambda: subjects.table("mlp", "multiclass", activation="gelu", dropout=0.2),
    "regression": lambda: subjects.table("residual", "regression", normalization="batch"),
    "digits": lambda: subjects.images("cnn", cell="depthwise"),
    "lenet5": lambda: subjects.images("lenet5", side=24),
}
#: What a format has no place for.
SKIPPED = {("ml_kit", name) for name in ("binary", "multiclass", "regression")}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a function that exports each subject once in each format, and leaves it as it was."""

    @functools.cache
    def of(name, subject):
        directory = tmp_path_factory.mktemp(f"{name}-{subject}")
        model = SUBJECTS[subject]().model
        graph, weights = model.to_json(), [weight.copy() for weight in model.get_weights()]
        trainable = [weight.name for weight in model.trainable_weights]
        result = export(name, SUBJECTS[subject](), directory)
        assert model.to_json() == graph
        assert [weight.name for weight in model.trainable_weights] == trainable
        for before, after in zip(weights, model.get_weights(), strict=True):
            np.testing.assert_array_equal(before, after)
        return result, directory

    return of


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", EXPORTS)
def test_every_format_computes_the_models_scores_and_leaves_it_alone_or_says_why_not(
    exported, name, subject
):
    result, directory = exported(name, subject)
    if (name, subject) in SKIPPED:
        assert isinstance(result, Skipped)
        assert "images only" in result.reason
        assert list(directory.iterdir()) == []
        return
    assert {each.path for each in result} == set(directory.iterdir())
    for each in result:
        assert each.bytes == size_of(each.path) > 0
        assert each.title
        assert each.comparison.rows >= 64
        assert f"{each.comparison.rows} examples" in each.verified
    assert result[0].comparison.difference <= 1e-4
    assert result[0].comparison.agreement in ((None,) if subject == "regression" else (1.0,))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_takes_the_place_of_an_earlier_one(name, tmp_path, exported):
    written, _ = exported(name, "digits")
    for each in written:
        target = tmp_path / each.path.name
        if each.path.is_dir():
            target.mkdir()
            target /= "left over"
        target.write_text("older")
    again = export(name, SUBJECTS["digits"](), tmp_path)
    assert [each.path.name for each in again] == [each.path.name for each in written]
    assert all(each.bytes == size_of(each.path) > 5 for each in again)
    assert {path.name for path in tmp_path.iterdir()} == {each.path.name for each in again}
    assert not list(tmp_path.rglob("left over"))


@pytest.mark.parametrize("name", EXPORTS)
def test_a_directory_that_cannot_be_written_to_is_named(name, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(OSError, match="file"):
        export(name, SUBJECTS["digits"](), tmp_path / "file" / "exports")


@pytest.mark.parametrize("name", ["core_ml", "onnx"])
def test_a_copy_that_computes_something_else_is_not_written(name, tmp_path, monkeypatch):
    subject = SUBJECTS["binary"]()
    honest = subject.scores(subject.rows())
    monkeypatch.setattr(Subject, "scores", lambda _, rows: honest[: len(rows["numeric"])] + 2e-4)
    (tmp_path / "model.onnx").write_text("older")
    result = export(name, subject, tmp_path)
    assert "does not compute what the model does" in result.reason
    assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]


@pytest.mark.parametrize("name", ["core_ml", "onnx"])
def test_an_operation_that_the_format_lacks_is_named(name, tmp_path):
    inputs = tf_keras.Input((4,), name="numeric")
    outputs = tf_keras.layers.Lambda(lambda x: tf.math.igamma(tf.abs(x) + 1, tf.abs(x)))(inputs)
    model = tf_keras.Model({"numeric": inputs}, tf_keras.layers.Dense(1)(outputs))
    source = subjects.table(task="regression")
    result = export(name, dataclasses.replace(source, model=model), tmp_path)
    assert isinstance(result, Skipped)
    assert "Igamma" in result.reason
    assert list(tmp_path.iterdir()) == []


def test_differences_of_large_values_are_shares_of_the_largest():
    wanted = np.array([[1000.0], [-4000.0]])
    comparison = Comparison.of(wanted, wanted + np.array([[0.2], [-0.4]]))
    assert comparison.difference == pytest.approx(1e-4)
    assert comparison.agreement is None
    comparison.check(1.1e-4, "It")
    with pytest.raises(CannotExportError, match="It does not compute"):
        comparison.check(0.9e-4, "It")


def test_a_score_that_is_no_number_is_a_difference():
    with pytest.raises(CannotExportError):
        Comparison.of(np.zeros((2, 2)), np.array([[0.0, np.nan], [0.0, 0.0]])).check(1.0, "It")


def test_nothing_unfinished_is_left(exported):
    for name in EXPORTS:
        _, directory = exported(name, "digits")
        assert not list(Path(directory).rglob(f"{files.TEMPORARY_PREFIX}*"))
