"""Rows and answers come together: labelled and not, in memory and on Beam."""

import numpy as np
import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.distiller import classroom
from components.distiller.classroom import Files
from components.distiller.config import DistillerConfig
from components.distiller.executor import _unlabelled
from components.distiller.teachers import Source
from components.errors import InputError
from components.models.training_config import TrainingConfig
from tests.components.distiller import data
from tests.components.distiller.test_teaching import make_pipeline

FEATURES = data.features_of()
ROWS = {"train": 120, "unlabelled": 80, "eval": 60}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("prepared")
    arrays = {name: data.table(rows, seed=i) for i, (name, rows) in enumerate(ROWS.items())}
    found = Files(**{name: data.write_split(a, root / name) for name, a in arrays.items()})
    model = data.write_model(root / "model", FEATURES, arrays["train"], epochs=2)
    sources = [Source(model, FEATURES, "hidden_1"), Source(model, FEATURES)]
    hints = {"teacher": "hidden_1", "student": "hidden_0"}
    config = DistillerConfig(training=TrainingConfig(class_weights="balanced"), hints=hints)

    def prepare(engine, name):
        return classroom.prepare(
            sources, FEATURES, found, config, data.STUDENT, root / name, engine
        )

    return prepare, arrays


def test_rows_and_what_is_taught_of_them(prepared):
    prepare, arrays = prepared
    room = prepare(None, "memory")
    work = room.distillation
    assert room.unlabelled == ROWS["unlabelled"]
    assert len(room.train["label"]) == len(work.labels) == ROWS["train"]
    assert len(work.rows["numeric"]) == ROWS["train"] + ROWS["unlabelled"]
    np.testing.assert_array_equal(work.rows["numeric"][120:], arrays["unlabelled"]["numeric"])
    assert "label" not in work.rows
    label = arrays["train"]["label"]
    weights = 120 / (2 * np.bincount(label))
    np.testing.assert_allclose(work.lesson.weight[:120], weights[label])
    assert not work.lesson.weight[120:].any()
    np.testing.assert_array_equal(work.validation_lesson.weight, np.ones(60))
    # Two teachers that are one: their mean is each of them.
    np.testing.assert_allclose(work.lesson.outputs[0, :120], _own(prepared), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(room.teacher_outputs, room.eval_answers[1], rtol=1e-6)
    assert np.std(work.lesson.hints) == pytest.approx(1, rel=1e-4)
    size = room.teacher_size
    assert (size.parameters, size.bytes) == (2 * room.teachers[0].parameters, 4 * size.parameters)


def _own(prepared):
    prepare, arrays = prepared
    return prepare(None, "memory").teachers[0].answer(arrays["train"]).outputs


def test_beam_gives_the_same(prepared):
    prepare, _ = prepared
    memory, on_beam = (
        prepare(engine, name) for engine, name in ((None, "memory"), (make_pipeline, "beam"))
    )
    for lesson in ("lesson", "validation_lesson"):
        one, other = (getattr(room.distillation, lesson).pack() for room in (memory, on_beam))
        np.testing.assert_array_equal(one, other)


def test_unlabelled_examples_that_are_not_there(tmp_path):
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    examples.split_names = artifact_utils.encode_split_names(["train", "span-001"])
    paths = data.write_split(data.table(10), tmp_path / "Split-span-001")
    assert _unlabelled(examples, DistillerConfig(unlabelled_split="span-001")) == paths
    own = DistillerConfig(unlabelled_path=str(tmp_path / "Split-span-001"))
    assert _unlabelled(examples, own) == paths
    assert _unlabelled(examples, DistillerConfig()) == []
    with pytest.raises(InputError, match="nearest: span-001"):
        _unlabelled(examples, DistillerConfig(unlabelled_split="span-01"))
    (tmp_path / "empty").mkdir()
    for path in ("nowhere", "empty"):
        with pytest.raises(InputError, match="no transformed examples"):
            _unlabelled(examples, DistillerConfig(unlabelled_path=str(tmp_path / path)))
