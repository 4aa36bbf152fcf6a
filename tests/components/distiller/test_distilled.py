"""Teaching: what is minimised, what is not looked at, and a training that can be cut."""

from typing import get_args

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.distiller import distilled, hints, students
from components.distiller.config import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    DistillerConfig,
    Loss,
    Scheduled,
    constant,
)
from components.distiller.distillation import Distillation, features_of, lesson
from components.distiller.losses import CLASSIFICATION, LOSSES, REGRESSION
from components.distiller.objective import Lesson, Objective
from components.distiller.teachers import Answers
from components.errors import InputError
from components.models import fitting, measuring, training
from components.models.specification import Member
from components.models.training_config import TrainingConfig
from tests.components.distiller import data

ROWS, EPOCHS = 320, 4
HP = data.STUDENT.model_copy(update={"hidden_units": (8,), "batch_size": 32, "l2": 1e-3})


def answers_for(arrays, task="binary", copies=1, hints=0):
    """Make up a teacher that knows the rule."""
    numeric, categorical = arrays["numeric"], arrays["categorical"]
    value = numeric[:, 0] * numeric[:, 1] + (categorical[:, 0] > 4)
    outputs = {
        "binary": (value - 0.5)[:, None] * 3,
        "multiclass": np.stack([-value, np.full(len(value), 0.5), value - 0.5], axis=1) * 3,
        "regression": value[:, None],
    }[task].astype(np.float32)
    hint = np.tanh(numeric @ np.ones((3, hints), np.float32))
    return Answers(np.stack([outputs] * copies), np.stack([hint] * copies))


def make(task="binary", train=None, said=None, **settings):
    train = data.table(ROWS, task) if train is None else train
    validation = data.table(200, task, seed=1)
    said = said or answers_for(train, task)
    shared = TrainingConfig(model=HP, epochs=EPOCHS, patience=EPOCHS, seed=3)
    return Distillation(
        DistillerConfig(training=shared, **settings),
        data.features_of(task),
        features_of(train),
        lesson(train["label"], [said], weights=None),
        features_of(validation),
        lesson(
            validation["label"],
            [answers_for(validation, task, hints=said.hints.shape[2])],
            weights=None,
        ),
        train["label"],
        None,
    )


def weights_of(model):
    return [weight.numpy() for weight in model.weights]


def assert_equal(one, other):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(a, b)


TASKS = [("binary", "soft_targets"), *(("multiclass", name) for name in CLASSIFICATION)]
TASKS += [("regression", name) for name in REGRESSION]


@pytest.mark.parametrize(("task", "loss"), TASKS)
def test_a_student_comes_to_agree_with_its_teacher(task, loss):
    work = make(task, loss=loss, mix=1.0)
    model, history = work.teach(HP.model_copy(update={"learning_rate": 0.02}))
    first, last = (history.epochs[i]["val_soft_loss"] for i in (0, -1))
    assert last < 0.8 * first
    assert measuring.outputs(model, work.validation).shape[1] == (3 if task == "multiclass" else 1)


def test_without_a_weight_the_teacher_has_no_say():
    """It is then, to the last bit, what the Trainer does."""
    work = make(mix=0.0)
    taught, history = work.teach(HP)
    arrays = {**work.rows, "label": work.labels}
    validation = {**work.validation, "label": work.validation_lesson.label.astype(np.int64)}
    alone, control = fitting.fit(Member(model=HP), work.features, arrays, validation, work.training)
    for name in ("loss", "val_loss", "accuracy"):
        assert [e[name] for e in history.epochs] == pytest.approx(
            [e[name] for e in control.epochs], rel=1e-6
        )
    for a, b in zip(weights_of(taught), weights_of(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_what_is_minimised():
    """One step of plain gradient descent, against the gradient of the formula."""
    hp = HP.model_copy(
        update={"optimizer": "sgd", "momentum": 0.0, "batch_size": ROWS, "learning_rate": 0.1}
    )
    temperature = Scheduled(start=3.0, end=1.0, schedule="linear")
    work = make(mix=0.7, temperature=temperature)
    before = students.build(work.features, hp, work.labels, 3)
    label = tf.constant(work.labels, tf.float32)[:, None]
    with tf.GradientTape() as tape:
        logits = before({k: tf.constant(v) for k, v in work.rows.items()}, training=True)
        p, q = (tf.sigmoid(z / 3.0) for z in (work.lesson.outputs[0], logits))
        soft = 9 * tf.reduce_mean(p * tf.math.log(p / q) + (1 - p) * tf.math.log((1 - p) / (1 - q)))
        hard = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label, logits))
        total = 0.7 * soft + 0.3 * hard + tf.add_n(before.losses)
    gradients = tape.gradient(total, before.trainable_variables)
    after, _ = work.teach(hp, epochs=1)
    for old, new, gradient in zip(
        before.trainable_variables, after.trainable_variables, gradients, strict=True
    ):
        gradient = tf.convert_to_tensor(gradient)
        np.testing.assert_allclose(new, old - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_student_whatever_unlabelled_rows_are():
    def taught(labels):
        train = data.table(ROWS)
        train["label"][200:] = labels
        said = answers_for(train)
        work = make(train=train, said=said)
        object.__setattr__(
            work, "lesson", lesson(train["label"], [said], unlabelled=ROWS - 200, weights=None)
        )
        return work.teach(HP)[0], work.lesson

    (one, first), (other, _) = taught(0), taught(1)
    assert_equal(one, other)
    assert (first.weight[200:] == 0).all()
    assert (first.label[200:] == -1).all()


def test_teachers_are_averaged_and_classes_weighted():
    train = data.table(50)
    said = answers_for(train)
    other = Answers(said.outputs + 2, said.hints)
    found = lesson(train["label"], [said, other], weights=np.array([0.5, 3.0]))
    np.testing.assert_allclose(found.outputs, said.outputs + 1, rtol=1e-6)
    np.testing.assert_array_equal(found.weight, np.where(train["label"] == 1, 3.0, 0.5))


def test_epochs_go_through_the_copies():
    random = np.random.default_rng(0)
    taught = Lesson(
        np.arange(6), np.ones(6), random.normal(size=(3, 6, 2)), random.normal(size=(3, 6, 4))
    )
    packed = tf.constant(taught.pack())
    for epoch in range(7):
        label, weight, outputs, hint = taught.layout.unpack(packed, tf.constant(epoch, tf.int64))
        np.testing.assert_array_equal(label, np.arange(6))
        np.testing.assert_array_equal(weight, np.ones(6))
        np.testing.assert_allclose(outputs, taught.outputs[epoch % 3], rtol=1e-6)
        np.testing.assert_allclose(hint, taught.hints[epoch % 3], rtol=1e-6)


@pytest.mark.parametrize("phases", ["two", "joint"])
def test_hints_bring_a_layer_nearer_to_the_teacher_s(phases):
    train = data.table(ROWS)
    said = answers_for(train, hints=5)

    def error(settings):
        work = make(train=train, said=said, **settings)
        model, _ = work.teach(HP.model_copy(update={"learning_rate": 0.02}))
        layer = hints.layer_output(model, "hidden_0", "")
        hidden = tf_keras.Model(model.input, layer).predict(work.rows, verbose=0)
        hidden = np.concatenate([hidden, np.ones((ROWS, 1))], axis=1)
        _, rest, _, _ = np.linalg.lstsq(hidden, said.hints[0], rcond=None)
        return rest.sum()

    hint = {"teacher": "any", "student": "hidden_0", "phases": phases, "weight": 20.0}
    assert error({"hints": hint}) < 0.9 * error({})


class _Kill(Exception):
    pass


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": {"start": 5, "end": 1}, "mix": {"start": 1, "end": 0.2}},
        {"hints": {"teacher": "any", "student": "hidden_0"}},
    ],
    ids=["schedules", "hints"],
)
def test_a_killed_training_resumes_to_the_same_weights(settings, tmp_path, monkeypatch):
    train = data.table(ROWS)
    said = answers_for(train, hints=3 if "hints" in settings else 0)
    undisturbed, _ = make(train=train, said=said, **settings).teach(HP)
    save = training._Keeper.save

    def save_and_die(self):
        save(self)
        if isinstance(self._network, distilled.Distilled) and len(self._history.epochs) == 2:
            raise _Kill

    monkeypatch.setattr(training._Keeper, "save", save_and_die)
    # Each epoch is kept.
    monkeypatch.setattr(
        distilled.training.train,
        "__kwdefaults__",
        {
            **training.train.__kwdefaults__,
            "checkpoint_seconds": 0.0,
        },
    )
    with pytest.raises(_Kill):
        make(train=train, said=said, **settings).teach(HP, checkpoints=tmp_path)
    monkeypatch.setattr(training._Keeper, "save", save)
    resumed, history = make(train=train, said=said, **settings).teach(HP, checkpoints=tmp_path)
    assert history.resumed_from == 2
    assert_equal(resumed, undisturbed)


def test_every_configurable_loss_is_in_the_table():
    assert list(LOSSES) == [*CLASSIFICATION_LOSSES, *REGRESSION_LOSSES]
    assert list(CLASSIFICATION) == list(CLASSIFICATION_LOSSES)
    assert {"auto", *LOSSES} == set(get_args(Loss))


def test_settings_have_to_fit_the_data():
    assert DistillerConfig().loss_for("regression") == "values"
    assert DistillerConfig().loss_for("binary") == "soft_targets"
    with pytest.raises(InputError, match="not one for regression") as caught:
        DistillerConfig(loss="decoupled").check("regression", images=False)
    assert "values, bounded" in str(caught.value)
    with pytest.raises(InputError, match="does not take images") as caught:
        DistillerConfig(student=HP).check("multiclass", images=True)
    assert "distiller.student.architecture" in str(caught.value)
    DistillerConfig(student=HP).check("binary", images=False)


def test_an_unknown_layer_is_named_with_the_nearest():
    model = students.build(data.features_of(), HP, np.zeros(1), 0)
    with pytest.raises(InputError, match="nearest: hidden_0") as caught:
        hints.layer_output(model, "hiden_0", "distiller.hints.student")
    assert "distiller.hints.student" in str(caught.value)
    with pytest.raises(InputError, match="no row of numbers"):
        hints.layer_output(model, "embedding_rows", "distiller.hints.student")


def test_objectives_of_regression_take_values_as_they_are():
    objective = Objective("regression", REGRESSION["values"], constant(1.0), constant(1.0))
    found = objective.soft(tf.ones((4, 1)), tf.zeros((4, 1)), tf.zeros(4), tf.constant(0.0))
    assert float(found) == 1.0
