"""A teacher is asked once for each row, and says the same on every engine."""

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.distiller import teaching
from components.distiller.copies import Copies
from components.distiller.teachers import Source, Teacher
from components.distiller.teaching import Rows, answers, shards_of
from components.models import input_pipeline
from components.models.augmentation import Augmentation
from components.models.hyperparameters import ImageHyperParameters
from tests.components.distiller import data

ROWS, FILES = 301, 3


def make_pipeline():
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    root = tmp_path_factory.mktemp("table")
    features, arrays = data.features_of(), data.table(ROWS)
    paths = data.write_split(arrays, root / "split", FILES)
    sizes = [101, 100, 100]
    source = Source(data.write_model(root / "model", features, arrays, epochs=2), features)
    return source, Rows(shards_of(paths, sizes), ROWS, features), arrays


@pytest.fixture
def asked(monkeypatch):
    """Rows that teachers were asked for."""
    counts = []
    answer = Teacher.answer

    def count(self, arrays):
        counts.append(len(next(iter(arrays.values()))))
        return answer(self, arrays)

    monkeypatch.setattr(Teacher, "answer", count)
    return counts


@pytest.mark.parametrize("engine", [None, make_pipeline], ids=["memory", "beam"])
def test_each_row_is_asked_for_once(table, asked, tmp_path, engine):
    source, rows, _ = table
    first = answers(source, None, rows, tmp_path / "said", engine)
    assert sum(asked) == ROWS
    again = answers(source, None, rows, tmp_path / "said", engine)
    assert sum(asked) == ROWS
    np.testing.assert_array_equal(first.outputs, again.outputs)
    assert first.outputs.shape == (1, ROWS, 1)
    assert first.hints.shape == (1, ROWS, 0)
    # After a kill only what is missing is asked for.
    sorted(tmp_path.glob("said-*"))[1].unlink()
    third = answers(source, None, rows, tmp_path / "said", engine)
    assert sum(asked) == ROWS + 100
    np.testing.assert_array_equal(first.outputs, third.outputs)


def test_engines_agree_to_the_last_bit_and_rows_keep_their_order(table, tmp_path):
    source, rows, arrays = table
    memory = answers(source, source.open(), rows, tmp_path / "memory")
    on_beam = answers(source, None, rows, tmp_path / "beam", make_pipeline)
    np.testing.assert_array_equal(memory.outputs, on_beam.outputs)
    whole = source.open().answer(arrays)
    np.testing.assert_allclose(memory.outputs[0], whole.outputs, rtol=1e-5, atol=1e-6)


def test_hints_come_with_the_outputs(table, tmp_path):
    source, rows, _ = table
    hinted = Source(source.directory, source.features, "hidden_1")
    found = answers(hinted, None, rows, tmp_path / "said")
    assert found.hints.shape == (1, ROWS, 16)
    assert (found.hints >= 0).all()  # a rectifier's
    np.testing.assert_allclose(
        found.outputs, answers(source, None, rows, tmp_path / "plain").outputs, rtol=1e-5
    )


def test_answers_are_about_the_images_that_the_student_sees(tmp_path):
    arrays = data.pictures(61)
    paths = data.write_split(arrays, tmp_path / "split", 2)
    hp = ImageHyperParameters(filters=2, stages=1, normalization="none")
    source = Source(
        data.write_model(tmp_path / "model", data.IMAGES, arrays, hp, epochs=1), data.IMAGES
    )
    copies = Copies.of(Augmentation(seed=5, shift=0.3, rotation=0.4), 3)
    rows = Rows(shards_of(paths, [31, 30]), 61, data.IMAGES, copies)
    said = answers(source, None, rows, tmp_path / "said").outputs
    assert said.shape == (3, 61, 3)
    teacher = source.open()
    # What the training loop makes of them, in two rounds of the copies.
    epochs = range(6)
    indexed = {**arrays, "row": np.arange(61)}
    batches = input_pipeline.shuffled_epochs(
        indexed, label="label", batch_size=61, seed=2, epochs=epochs, augmentation=copies
    )
    for epoch, (seen, _) in zip(epochs, batches, strict=True):
        own = teacher.answer({"image": seen["image"].numpy()}).outputs
        np.testing.assert_allclose(own, said[epoch % 3][seen["row"].numpy()], atol=1e-4)
    assert np.abs(said[0] - said[1]).max() > 1e-3


def test_the_first_round_of_copies_is_the_plain_augmentation():
    plain = Augmentation(seed=5, shift=0.3)
    copies = Copies.of(plain, 3)
    for epoch in range(7):
        drawn = copies.draw(tf.constant(epoch, tf.int64), 4)
        expected = plain.draw(tf.constant(epoch % 3, tf.int64), 4)
        np.testing.assert_array_equal(drawn, expected)


def test_no_half_answer_is_left(table, tmp_path, monkeypatch):
    source, rows, _ = table

    def fail(*arguments, **more):
        raise OSError("no space left")

    monkeypatch.setattr(teaching.np, "savez", fail)
    with pytest.raises(OSError, match="no space"):
        answers(source, None, rows, tmp_path / "said")
    assert not list(tmp_path.iterdir())
